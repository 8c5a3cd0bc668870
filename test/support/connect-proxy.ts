// An outbound proxy, as a company has one: it connects whoever asks by CONNECT, and writes down to where.
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { listen } from './listen.ts'

export interface ConnectProxy {
  readonly url: string
  /** `host:port` of each connection that was asked for */
  targets(): string[]
  stop(): Promise<void>
}

export async function startConnectProxy(): Promise<ConnectProxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_req, res) => void res.writeHead(405).end())
  server.on('connect', (req, client: Socket, head) => {
    targets.push(req.url ?? '')
    const [host = '', port] = (req.url ?? '').split(':')
    const there = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      there.write(head)
      there.pipe(client).pipe(there)
    })
    for (const socket of [client, there]) {
      sockets.add(socket)
      // The other end goes with it, however it ended.
      socket.on('error', () => undefined).on('close', () => [client, there].map((end) => end.destroy()))
    }
  })
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}`
  return {
    url,
    targets: () => [...targets],
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await closed
    },
  }
}
