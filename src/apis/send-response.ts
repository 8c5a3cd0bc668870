// The API's answer, handed on to the browser as it comes.
import type { Socket } from 'node:net'
import { asBrowsersHaveIt } from '../options/app-paths.ts'
import type { RequestContext } from '../session/request-context.ts'
import { endWithSession } from './end-with-session.ts'
import type { RelayConfig } from './relay-options.ts'
import { putHeaders, webSocketHeaders } from './response-headers.ts'
import type { ApiOutcome } from './upstream-request.ts'
import { joinSockets, upgradeOf, watchForEnd } from './websocket.ts'

interface Asked {
  readonly config: RelayConfig
  /** what the API was asked for */
  readonly path: string
  readonly withToken: boolean
}

export function sendResponse(
  context: RequestContext,
  outcome: Extract<ApiOutcome, { kind: 'answered' | 'upgraded' }>,
  { config: { target, responseHeaders }, path, withToken }: Asked,
): void {
  const { req, res } = context
  const { message } = outcome
  const upgrade = upgradeOf(req)
  if (outcome.kind === 'upgraded' && upgrade !== undefined) {
    res.writeHead(101, webSocketHeaders(message))
    res.flushHeaders()
    res.detachSocket(upgrade.socket as Socket)
    joinSockets(upgrade, outcome)
    if (withToken) endWithSession(context, outcome.socket)
    return
  }
  if (upgrade !== undefined) watchForEnd(upgrade)
  res.status(message.statusCode ?? 502)
  putHeaders(res, message, {
    url: new URL(path, target),
    target,
    mountPath: asBrowsersHaveIt(req.baseUrl, context.config.baseURL),
    withToken,
    further: responseHeaders,
  })
  // An event stream may have nothing to say for a long time.
  res.flushHeaders()
  message.pipe(res)
  // Half an answer must not look like a whole one.
  message.once('close', () => {
    if (!message.complete) res.destroy()
  })
}
