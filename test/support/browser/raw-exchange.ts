// One HTTP request written letter by letter: what browsers and Node's client refuse to send, an attacker does not.
import { connect } from 'node:net'
import { readAll } from '../bodies.ts'
import { within } from '../deadline.ts'

export interface RawAnswer {
  status: number
  /** the status line and all headers */
  head: string
  body: string
}

/**
 * @param lines request line and headers as they are sent, each letter one byte; Host and Connection are added
 * @param body is sent with its length, unless the lines say how it is framed
 */
export async function rawExchange(url: string, lines: readonly string[], body?: string): Promise<RawAnswer> {
  const { hostname, host, port } = new URL(url)
  const named = lines.some((line) => /^host:/i.test(line))
  const framed =
    body === undefined || lines.some((line) => /^(?:content-length|transfer-encoding):/i.test(line))
  const head = [
    ...lines,
    ...(named ? [] : [`Host: ${host}`]),
    ...(framed ? [] : [`Content-Length: ${body.length}`]),
    'Connection: close',
  ]
  const socket = connect(Number(port), hostname)
  socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`, 'latin1'))
  const answer = (await within(readAll(socket), `the answer to ${lines[0]?.slice(0, 100)}`)).toString(
    'latin1',
  )
  const [start = '', ...rest] = answer.split('\r\n\r\n')
  return { status: Number(start.split(' ')[1]), head: start, body: rest.join('\r\n\r\n') }
}
