// One connection, one request at a time, with the least that HTTP needs: the clock must not be held up by a client.
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

export interface Heard {
  /** epoch milliseconds, with fractions */
  sentAt: number
  answeredAt: number
  status: number
  body: string
}

export interface Line {
  ask(request: string): Promise<Heard>
  close(): void
}

export const clock = () => performance.timeOrigin + performance.now()

export function getAccount(cookie: string): string {
  return head('GET', '/account', { accept: 'application/json', cookie })
}

export function postForm(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): string {
  const body = `${new URLSearchParams(fields)}`
  const type = 'application/x-www-form-urlencoded'
  const length = String(body.length)
  return head('POST', path, { 'content-type': type, 'content-length': length, ...headers }) + body
}

function head(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

async function openLine(port: number): Promise<Line> {
  const socket = createConnection({ host: 'localhost', port, noDelay: true })
  await once(socket, 'connect')
  let heard = ''
  let waiting: { sentAt: number; resolve(heard: Heard): void; reject(error: Error): void } | undefined

  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1')
    const whole = wholeAnswer(heard)
    if (whole === undefined || waiting === undefined) return
    const { sentAt, resolve } = waiting
    waiting = undefined
    heard = ''
    resolve({ sentAt, answeredAt: clock(), ...whole })
  })
  const fail = (error?: Error) => waiting?.reject(error ?? new Error('the server closed the connection'))
  socket.on('error', fail).on('close', () => fail())

  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) throw new Error('the server has closed the connection')
        waiting = { sentAt: clock(), resolve, reject }
        socket.write(request)
      }),
    close: () => end(socket),
  }
}

function end(socket: Socket) {
  socket.removeAllListeners('close')
  socket.destroy()
}

function wholeAnswer(text: string): { status: number; body: string } | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const status = Number(text.slice(9, 12))
  const [, length = '0'] = /^content-length: (\d+)/im.exec(text.slice(0, head)) ?? []
  const body = text.slice(head + 4)
  return body.length < Number(length) ? undefined : { status, body }
}

const OPENED_AT_ONCE = 100

/** So many lines, to each of these ports in turn. */
export async function openLines(ports: readonly number[], count: number): Promise<Line[]> {
  const lines: Line[] = []
  while (lines.length < count) {
    const from = lines.length
    const next = Array.from({ length: Math.min(OPENED_AT_ONCE, count - from) }, (_, at) =>
      openLine(ports[(from + at) % ports.length] ?? 0),
    )
    lines.push(...(await Promise.all(next)))
  }
  return lines
}

export function closeLines(lines: readonly Line[]): void {
  for (const line of lines) line.close()
}
