// A request's way to the API and back, with one more try where the API does not take the access token.
import { createHash } from 'node:crypto'
import { createExpiringMap } from '../auth-records/expiring-map.ts'
import { RefusedError, SignInAgainError, TryLaterError } from '../errors.ts'
import type { RequestContext } from '../request-context.ts'
import { answerBrowser } from './answer-browser.ts'
import type { ApiExchange, ApiOutcome, ApiRequest } from './api-exchange.ts'
import { readApiRefusal } from './api-refusal.ts'
import type { RelayConfig } from './relay-options.ts'
import { headersForApi } from './request-headers.ts'
import { malformed, targetPath } from './target-path.ts'
import { upgradeOf } from './upgrade.ts'
import { createUpload } from './upload.ts'

/** RFC 9110 §9.2.2: a proxy sends no other again by itself. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const RETRY_AFTER_SECONDS = 5
/** A token that was fetched because the API refused another is not replaced for so long, should it refuse this one too. */
const SECOND_TRY_MILLISECONDS = 60_000

/** @throws AuthError for what is not handed on, or not answered */
export function createHandOn(config: RelayConfig, exchange: ApiExchange) {
  const { target, wanted } = config
  const secondTries = createExpiringMap<true>(Date.now)
  let isReachable = true

  return async function handOn(context: RequestContext): Promise<void> {
    const { req, res, session } = context
    onlyMethods(context, config.methods)
    const path = targetPath(req.url, req.originalUrl, target)
    const isWebSocket = wantsWebSocket(context)
    const upload = createUpload(req, res)

    for (let refused: string | undefined; ; ) {
      const isAnonymous = config.anonymous && session.isAnonymous
      const token = isAnonymous ? undefined : await session.accessToken(wanted, refused)
      if (refused !== undefined && token !== undefined)
        secondTries.set(nameOf(token), true, Date.now() + SECOND_TRY_MILLISECONDS)
      if (refused !== undefined && !upload.canBeSentAgain) throw sendAgain()
      if (!(await upload.prepare())) return

      const headers = headersForApi(req.headers, {
        token,
        host: target.host,
        further: config.requestHeaders,
        isWebSocket,
      })
      const outcome = await ask(context, { method: req.method, path, headers, upload, isWebSocket })
      if (outcome.kind === 'gone') return
      if (outcome.message.statusCode !== 401) {
        answerBrowser(context, outcome, { config, path, withToken: token !== undefined })
        return
      }
      // Nothing of it goes to the browser: a 401 there is ours to say, and means that logging in helps.
      outcome.message.resume()
      const { stepUp, isOfToken, reason } = readApiRefusal(outcome.message.headers['www-authenticate'])
      if (stepUp !== undefined)
        throw new SignInAgainError('step_up_required', 'Confirm your identity to continue.', stepUp)
      if (token === undefined) throw new SignInAgainError('login_required', 'Log in to continue.')
      // Or each request to an API that is set up wrongly would cost the provider a renewal.
      if (!isOfToken || secondTries.get(nameOf(token))) throw apiRefused(reason)
      refused = token
    }
  }

  async function ask(
    context: RequestContext,
    sent: ApiRequest,
  ): Promise<Exclude<ApiOutcome, { kind: 'failed' }>> {
    let outcome = await exchange(sent, context)
    if (
      outcome.kind === 'failed' &&
      outcome.isStale &&
      IDEMPOTENT.has(sent.method) &&
      sent.upload.canBeSentAgain
    )
      outcome = await exchange(sent, context)
    if (outcome.kind !== 'failed') {
      isReachable = true
      return outcome
    }
    // Once, and not for every request while it lasts.
    if (isReachable)
      context.config.logger.warn(
        `express-bff-session: the API at ${target.origin} cannot be used just now: ${outcome.why}`,
      )
    isReachable = false
    throw new TryLaterError(
      'api_unavailable',
      'The service does not answer just now. Try again later.',
      RETRY_AFTER_SECONDS,
    )
  }
}

/** Not the token itself, which nobody keeps. */
function nameOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** @throws RefusedError (405) (RFC 9110 §15.5.6) */
function onlyMethods({ req, res }: RequestContext, methods: readonly string[]): void {
  if (methods.includes(req.method)) return
  res.set('allow', methods.join(', '))
  throw new RefusedError('method_not_allowed', 405, 'This method is not handed on.')
}

/** @returns false for what is answered as any request, its `Upgrade` left aside (RFC 9110 §7.8) */
function wantsWebSocket({ req }: RequestContext): boolean {
  if (req.headers.upgrade?.trim().toLowerCase() !== 'websocket') return false
  if (upgradeOf(req) === undefined)
    throw malformed("it opens a WebSocket, and the server lacks server.on('upgrade', handleUpgrade(app))")
  if (req.method !== 'GET') throw malformed('it opens a WebSocket, and is no GET')
  return true
}

/** The token was renewed; what was sent is gone. */
function sendAgain(): TryLaterError {
  return new TryLaterError('send_again', 'The access had to be renewed. Send the request again.')
}

/** Not 401: the person is logged in, and logging in again would not help. */
function apiRefused(reason: string): RefusedError {
  return new RefusedError('api_refused', 403, 'The service does not take your access.', {
    reason: `${reason}, to a token that is fresh: is it the right audience?`,
  })
}
