// A request's way to the API and back, with one more try where the API does not take the access token.
import { LoginRequiredError, RefusedError, TryLaterError } from '../errors/errors.ts'
import type { OperationEnd } from '../events/operations.ts'
import { onlyMethods } from '../http/method-and-query.ts'
import { requireOwnResource } from '../http/own-resource.ts'
import type { RequestContext } from '../session/request-context.ts'
import { endWithSession } from './end-with-session.ts'
import { readRefusal } from './refusal.ts'
import type { RelayConfig } from './relay-options.ts'
import { createRequestBody } from './request-body.ts'
import { headersForApi } from './request-headers.ts'
import { secondToken } from './second-token.ts'
import { sendResponse } from './send-response.ts'
import { malformed, targetPath } from './target-path.ts'
import type { ApiOutcome, ApiRequest, UpstreamRequest } from './upstream-request.ts'
import { upgradeOf } from './websocket.ts'

/** RFC 9110 §9.2.2: a proxy sends no other again by itself. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const RETRY_AFTER_SECONDS = 5

const GONE: OperationEnd = { outcome: 'gone' }

/** @throws AuthError for what is not handed on, or not answered */
export function createForward(config: RelayConfig, exchange: UpstreamRequest) {
  const { target, wanted } = config
  let isReachable = true

  return async function forward(context: RequestContext): Promise<OperationEnd> {
    const { req, res, session } = context
    requireOwnResource(req, context.config)
    onlyMethods(context, config.methods, 'This method is not handed on.')
    const path = targetPath(req.url, req.originalUrl, target)
    const isWebSocket = wantsWebSocket(context)
    const body = createRequestBody(req, res)

    const isAnonymous = config.anonymous && session.isAnonymous
    let token = isAnonymous ? undefined : await session.accessToken(wanted)
    if (token !== undefined) endWithSession(context, upgradeOf(req)?.socket ?? res)
    // Not at its end: a stream that is open for hours is no use of the session in all that time.
    if (session.wantsTouch) session.touch()

    for (let isSecond = false; ; isSecond = true) {
      if (!(await body.prepare())) return GONE

      const headers = headersForApi(req.headers, {
        token,
        host: target.host,
        further: config.requestHeaders,
        isWebSocket,
      })
      const outcome = await ask(context, { method: req.method, path, headers, body, isWebSocket })
      if (outcome.kind === 'gone') return GONE
      if (outcome.message.statusCode !== 401) {
        sendResponse(context, outcome, { config, path, withToken: token !== undefined })
        return { outcome: 'answered', status: outcome.message.statusCode }
      }
      // Nothing of it goes to the browser: a 401 there is ours to say, and means that logging in helps.
      outcome.message.resume()
      const { stepUp, isOfToken, reason } = readRefusal(outcome.message.headers['www-authenticate'])
      if (stepUp !== undefined)
        throw new LoginRequiredError('step_up_required', 'Confirm your identity to continue.', stepUp)
      if (token === undefined) throw new LoginRequiredError('login_required', 'Log in to continue.')
      token = isOfToken && !isSecond ? await secondToken(context, wanted, token) : undefined
      if (token === undefined) throw apiRefused(reason)
      if (!body.canBeSentAgain) throw sendAgain()
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
    const kind = `express-bff-session: the API at ${target.origin} cannot be used just now`
    if (isReachable) context.log.say(kind, `${kind}: ${outcome.why}`, { fields: { code: 'api_unavailable' } })
    isReachable = false
    throw new TryLaterError(
      'api_unavailable',
      'The service does not answer just now. Try again later.',
      RETRY_AFTER_SECONDS,
    )
  }
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
