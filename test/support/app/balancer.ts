// One address in front of several servers, taken in turn.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { closeServer, listen } from '../listen.ts'

export interface Balancer {
  readonly url: string
  /** the servers behind it; may be changed at any time */
  targets: string[]
  stop(): Promise<void>
}

export async function startBalancer(targets: string[] = []): Promise<Balancer> {
  const agent = new Agent({ keepAlive: false })
  let turn = 0
  const server = createServer((req, res) => {
    const first = turn++
    pass(
      req,
      res,
      balancer.targets.map((_, at) => balancer.targets[(first + at) % balancer.targets.length] ?? ''),
    )
  })
  const balancer: Balancer = {
    url: `http://localhost:${await listen(server, 'localhost')}`,
    targets: [...targets],
    stop: () => closeServer(server),
  }

  function pass(req: IncomingMessage, res: ServerResponse, [target, ...others]: string[]) {
    if (!target) return void res.writeHead(502).end('no server')
    let connected = false
    const headers = req.headers
    const { hostname, port } = new URL(target)
    const onward = request({ hostname, port, method: req.method, path: req.url, headers, agent })
    onward.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true
        req.pipe(onward)
      })
    })
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res).on('error', () => {})
      answer.on('error', () => res.destroy())
    })
    onward.on('error', () => {
      // A server that is not there was never asked: the next one may be. One that died meanwhile was.
      if (!connected) pass(req, res, others)
      else if (res.headersSent) res.destroy()
      else res.writeHead(502).end('the server died')
    })
    res.on('close', () => {
      if (!res.writableFinished) onward.destroy()
    })
  }
  return balancer
}
