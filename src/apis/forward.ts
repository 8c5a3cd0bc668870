// A request's way to the API and back, with one more try where the API does not take the access token.
import { createHash } from 'node:crypto'
import { LoginRequiredError, RefusedError, TryLaterError } from '../errors.ts'
import { onlyMethods } from '../http/method-and-query.ts'
import { createExpiringMap } from '../lib/expiring-map.ts'
import type { RequestContext } from '../session/request-context.ts'
import { readRefusal } from './refusal.ts'
import type { RelayConfig } from './relay-options.ts'
import { createRequestBody } from './request-body.ts'
import { headersForApi } from './request-headers.ts'
import { sendResponse } from './send-response.ts'
import { malformed, targetPath } from './target-path.ts'
import type { ApiOutcome, ApiRequest, UpstreamRequest } from './upstream-request.ts'
import { upgradeOf } from './websocket.ts'

/** RFC 9110 §9.2.2: a proxy sends no other again by itself. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const RETRY_AFTER_SECONDS = 5
/** A token that was fetched because the API refused another is not replaced for so long, should it refuse this one too. */
const SECOND_TRY_MILLISECONDS = 60_000

/** @throws AuthError for what is not handed on, or not answered */
export function createForward(config: RelayConfig, exchange: UpstreamRequest) {
  const { target, wanted } = config
  const secondTries = createExpiringMap<true>(Date.now)
  let isReachable = true

  return async function forward(context: RequestContext): Promise<void> {
    const { req, res, session } = context
    onlyMethods(context, config.methods, 'This method is not handed on.')
    const path = targetPath(req.url, req.originalUrl, target)
    const isWebSocket = wantsWebSocket(context)
    const body = createRequestBody(req, res)

    for (let refused: string | undefined; ; ) {
      const isAnonymous = config.anonymous && session.isAnonymous
      const token = isAnonymous ? undefined : await session.accessToken(wanted, refused)
      if (refused !== undefined && token !== undefined)
        secondTries.set(nameOf(token), true, Date.now() + SECOND_TRY_MILLISECONDS)
      if (refused !== undefined && !body.canBeSentAgain) throw sendAgain()
      if (!(await body.prepare())) return

      const headers = headersForApi(req.headers, {
        token,
        host: target.host,
        further: config.requestHeaders,
        isWebSocket,
      })
      const outcome = await ask(context, { method: req.method, path, headers, body, isWebSocket })
      if (outcome.kind === 'gone') return
      if (outcome.message.statusCode !== 401) {
        sendResponse(context, outcome, { config, path, withToken: token !== undefined })
        return
      }
      // Nothing of it goes to the browser: a 401 there is ours to say, and means that logging in helps.
      outcome.message.resume()
      const { stepUp, isOfToken, reason } = readRefusal(outcome.message.headers['www-authenticate'])
      if (stepUp !== undefined)
        throw new LoginRequiredError('step_up_required', 'Confirm your identity to continue.', stepUp)
      if (token === undefined) throw new LoginRequiredError('login_required', 'Log in to continue.')
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
      sent.body.canBeSentAgain
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
