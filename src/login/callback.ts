// GET or POST /callback: what the provider sent back becomes a session, once.
import { applyCookies } from '../cookies/cookies.ts'
import { isState } from '../cookies/login-state.ts'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { isAuthError } from '../errors/errors.ts'
import { requirePageLoad } from '../http/navigation.ts'
import { beginsAgainAt } from '../http/problem.ts'
import { redirect } from '../http/redirect.ts'
import { tellCaches } from '../lib/caching.ts'
import type { RequestContext } from '../session/request-context.ts'
import { callbackParameters } from './callback-parameters.ts'
import { atAddress, atProviderOf } from './callback-provider.ts'
import { type Completion, STEPS } from './callback-steps.ts'
import { alreadyDone } from './landing.ts'

export async function callback(found: RequestContext): Promise<void> {
  const { cookies, logins, req, res, session } = found
  // RFC 9700 §4.2.4: the code in this page's URL goes nowhere else.
  tellCaches(res, 'no-store')
  res.set('referrer-policy', 'no-referrer')
  requirePageLoad(req)
  session.requireKnown()
  const sent = await callbackParameters(found)
  const state = sent.get('state') ?? ''
  const transaction = logins.find(state, cookies)
  const context = transaction === undefined ? atAddress(found) : atProviderOf(found, transaction)
  if (transaction === undefined && req.method === 'POST' && isState(state)) return seeByGet(context, state)
  if (transaction !== undefined && req.method === 'POST') return comeBackByGet(context, transaction, sent)
  const complete = async () =>
    transaction ? takeSteps(context, transaction, sent) : alreadyDone(context, state)
  const operation = { name: 'callback', carried: transaction?.carried, ...context.events.origin } as const
  await context.operations.run(operation, complete, (outcome) => ({ outcome }))
}

async function takeSteps(context: RequestContext, transaction: LoginTransaction, sent: URLSearchParams) {
  const parameters = new URLSearchParams(transaction.posted ?? sent)
  const now = await context.store.now()
  const completion: Completion = { context, transaction, parameters, now, outcome: 'not-logged-in' }
  try {
    for (const step of STEPS) if (await step(completion)) break
    return completion.outcome
  } catch (error) {
    const { provider } = transaction
    if (provider !== undefined && isAuthError(error)) beginsAgainAt(error, provider)
    throw error
  } finally {
    completion.leave?.()
  }
}

/**
 * The provider's form (OAuth 2.0 Form Post Response Mode §2) comes without the session's SameSite cookie. A GET of our
 * own brings it; what was posted waits in the login's cookie meanwhile, and not in a URL.
 */
function comeBackByGet(context: RequestContext, transaction: LoginTransaction, sent: URLSearchParams): void {
  const { cookies, logins, res } = context
  applyCookies(res, logins.remember({ ...transaction, posted: sent.toString() }, cookies))
  seeByGet(context, transaction.state)
}

/** What the session's cookie says of it is seen then, too. */
function seeByGet({ config, res }: RequestContext, state: string): void {
  redirect(res, 303, `${config.redirectURI.pathname}?state=${encodeURIComponent(state)}`)
}
