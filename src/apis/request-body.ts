// The body of a browser's request: when it goes to the API, and whether it can go there again.
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Request, Response } from 'express'
import { ConfigurationError } from '../errors/errors.ts'
import { malformed } from './target-path.ts'
import { upgradeOf } from './websocket.ts'

export interface RequestBody {
  /** RFC 9112 §6 */
  readonly framing: OutgoingHttpHeaders
  /** Nothing of it is gone. */
  readonly canBeSentAgain: boolean
  /** @returns false where the browser went away */
  prepare(): Promise<boolean>
  /** @param progress is called when the browser has sent something more */
  sendTo(apiRequest: ClientRequest, progress: () => void): void
}

/** A body up to here is read first, so that it can be sent a second time. */
const SMALL_BYTES = 65_536
/** Some servers never say "100 Continue". */
const CONTINUE_MILLISECONDS = 1000

/**
 * @throws RefusedError (400) for an encoding that would get lost, or a body beside another protocol
 * @throws ConfigurationError where a parser has read it
 */
export function createRequestBody(req: Request, res: Response): RequestBody {
  const { 'transfer-encoding': coding, 'content-length': length } = req.headers
  const isChunked = coding !== undefined
  // RFC 9112 §6.1: any other is undone by nobody here.
  if (isChunked && !/^\s*chunked\s*$/i.test(coding))
    throw malformed('it has a transfer coding besides chunked')
  const bytes = Number(length ?? 0)
  const isEmpty = !isChunked && bytes === 0
  // Node.js takes what follows for another protocol's, whatever the headers say: the API would wait for the body, or take
  // the next request for it.
  if (!isEmpty && upgradeOf(req) !== undefined)
    throw malformed('it asks for another protocol, and has a body')
  if (!isEmpty && (req.readableDidRead || req.readableEnded)) {
    throw new ConfigurationError(
      'body_already_read',
      'relay(): a middleware above has read the body of this request: mount relay() above express.json() and other body parsers, or mount those only on the routes that need them.',
    )
  }
  const waits = /^100-continue$/i.test(req.headers.expect ?? '') && !isEmpty
  const isSmall = !isChunked && bytes <= SMALL_BYTES && !waits
  let whole: Buffer | undefined
  let isStarted = false

  function stream(apiRequest: ClientRequest, progress: () => void): void {
    isStarted = true
    // Node.js has said so already, unless the app listens to `checkContinue`. Without it an answer ends the connection.
    if (waits && (res as { _sent100?: boolean })._sent100 !== true) res.writeContinue()
    // Not by `pipe()`, which keeps its end, the token among its headers, on the request for everybody to see.
    let taken = 0
    const take = (piece: Buffer) => {
      taken += piece.length
      progress()
      if (!apiRequest.write(piece)) req.pause()
    }
    const goOn = () => void req.resume()
    // RFC 9112 §6.3: with less than was announced, the next request on the connection would be taken for the rest.
    const end = () => void (isChunked || taken === bytes ? apiRequest.end() : apiRequest.destroy())
    req.on('data', take).once('end', end)
    apiRequest.on('drain', goOn)
    apiRequest.once('close', () => {
      req.off('data', take).off('end', end)
      // A browser that still sends reads no answer before it is done.
      req.resume()
    })
  }

  return {
    framing: {
      ...(isChunked ? { 'transfer-encoding': 'chunked' } : !isEmpty && { 'content-length': bytes }),
      ...(waits && { expect: '100-continue' }),
    },

    get canBeSentAgain() {
      return isEmpty || whole !== undefined || !isStarted
    },

    async prepare() {
      if (!isSmall || isEmpty) return !res.destroyed
      whole ??= await buffer(req).catch(() => undefined)
      if (whole !== undefined && whole.length !== bytes) throw malformed('its body is shorter than it says')
      return whole !== undefined && !res.destroyed
    },

    sendTo(apiRequest, progress) {
      if (isEmpty || whole !== undefined) {
        apiRequest.end(whole)
      } else if (waits) {
        let isOver = false
        const begin = () => {
          if (isOver) return
          isOver = true
          stream(apiRequest, progress)
        }
        const timer = setTimeout(begin, CONTINUE_MILLISECONDS)
        apiRequest.once('continue', begin)
        for (const event of ['response', 'close']) {
          apiRequest.once(event, () => {
            isOver = true
            clearTimeout(timer)
          })
        }
      } else {
        stream(apiRequest, progress)
      }
    },
  }
}
