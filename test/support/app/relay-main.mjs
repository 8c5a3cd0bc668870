// An app with a relay as a process of its own, without a compiler in it: what it takes of memory is the app's.
import { createServer } from 'node:http'
import express from 'express'

const server = createServer()
process.on('disconnect', () => process.exit())
process.once('message', async ({ sources, options, target }) => {
  const { auth, relay } = await import(sources)
  const app = express()
  app.use(auth(options))
  app.get('/', (_req, res) => void res.json(memory()))
  app.use('/api', relay({ target }))
  server.on('request', app)
  process.send?.('ready')
})
server.listen(0, 'localhost', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address?.port)
})

function memory() {
  // How late V8 collects differs from version to version, and on busy machines from run to run. The second time waits for
  // what the first one still frees beside.
  for (let times = 0; times < 2; times += 1) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return { heldBytes: heapUsed + external, peakBytes: process.resourceUsage().maxRSS * 1024 }
}
