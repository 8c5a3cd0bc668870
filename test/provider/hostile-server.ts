// A server that answers with the right document in the wrong manner: too long, too slowly, or from elsewhere.
import { createServer, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { closeServer, listen } from '../support/listen.ts'

export type Manner = 'huge' | 'packed' | 'slow' | 'redirect' | 'right'

/** What each is called, and what is told to operators. */
export const MANNERS: [what: string, Manner, detail: RegExp][] = [
  ['100 MB', 'huge', /ANSWER_TOO_LARGE/],
  ['100 MB, packed', 'packed', /ANSWER_TOO_LARGE/],
  ['a byte a second', 'slow', /did not answer in time/],
  ['a redirect elsewhere', 'redirect', /answered 307|Expected 200 OK/],
]

export interface HostileServer {
  readonly url: string
  /** from now on, whatever the path */
  answer(manner: Manner, document: object): void
  /** does `work`, which must end before the answer to it does, take only a part of that, and follow no redirect */
  bounded<T>(work: () => Promise<T>): Promise<T>
  /** of everything that was asked for */
  paths(): string[]
  stop(): Promise<void>
}

const PADDING_BYTES = 100_000_000
const CHUNK = Buffer.alloc(65_536, ' ')
const ELSEWHERE = '/elsewhere'

export async function startHostileServer(): Promise<HostileServer> {
  const paths: string[] = []
  let manner: Manner = 'right'
  let json = ''
  let zipped: Buffer = Buffer.alloc(0)
  let last: ServerResponse | undefined

  const server = createServer((req, res) => {
    paths.push(req.url ?? '')
    req.resume()
    last = res
    res.setHeader('content-type', 'application/json')
    if (manner === 'redirect' && req.url !== ELSEWHERE) res.writeHead(307, { location: ELSEWHERE }).end()
    else if (manner === 'huge') pour(res, json)
    else if (manner === 'packed') res.setHeader('content-encoding', 'gzip').end(zipped)
    else if (manner === 'slow') drip(res, json)
    else res.end(json)
  })
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}`

  return {
    url,
    answer(next, document) {
      manner = next
      json = JSON.stringify(document)
      // Now: while somebody waits for the answer there is no time for it.
      if (next === 'packed') zipped = packed(json)
    },
    async bounded(work) {
      const result = await work()
      // A socket that was destroyed still knows.
      expect(last?.req.socket.bytesWritten).toBeLessThan(PADDING_BYTES / 5)
      expect(paths).not.toContain(ELSEWHERE)
      return result
    },
    paths: () => [...paths],
    stop: () => closeServer(server),
  }
}

/** The document and then blanks, as fast as they are taken: it is JSON all the same. */
function pour(res: ServerResponse, json: string): void {
  let left = PADDING_BYTES
  const more = () => {
    while (left > 0 && !res.destroyed) {
      left -= CHUNK.length
      if (!res.write(CHUNK)) return
    }
    res.end()
  }
  res.on('drain', more)
  res.write(json)
  more()
}

let padding: Buffer | undefined

/** Two members, which unpack to one text (RFC 1952 §2.2). */
function packed(json: string): Buffer {
  padding ??= gzipSync(Buffer.alloc(PADDING_BYTES, ' '), { level: 1 })
  return Buffer.concat([gzipSync(json), padding])
}

function drip(res: ServerResponse, json: string): void {
  let sent = 0
  const timer = setInterval(() => res.write(json.charAt(sent++) || ' '), 1000)
  res.once('close', () => clearInterval(timer))
  res.write(' ')
}
