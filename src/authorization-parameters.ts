// What the authorization request asks for, log-in by log-in.
import type { Config } from './config.ts'
import type { LoginTransaction } from './login-transaction.ts'
import { stepUpParameters } from './step-up.ts'

/** @param loginHint whom to expect, as whoever began the log-in says (OpenID Connect Core §4) */
export function authorizationParameters(
  { authorizationParams, resources, redirectURI }: Config,
  { state, nonce, stepUp, silent }: LoginTransaction,
  loginHint: string | undefined,
): URLSearchParams {
  const parameters = new URLSearchParams({
    ...authorizationParams,
    ...(stepUp !== undefined && {
      ...stepUpParameters(stepUp),
      // OpenID Connect Core §3.1.2.1: `none` stands alone, and would contradict what is asked here.
      prompt: [...new Set(['login', ...promptsOf(authorizationParams)])].join(' '),
    }),
    ...(silent && { prompt: 'none' }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
    redirect_uri: redirectURI.href,
    response_type: 'code',
    state,
    nonce,
  })
  // RFC 8707 §2.1: one parameter for each.
  for (const resource of resources) parameters.append('resource', resource)
  return parameters
}

function promptsOf({ prompt = '' }: Config['authorizationParams']): string[] {
  return prompt.split(' ').filter((one) => one !== '' && one !== 'none')
}
