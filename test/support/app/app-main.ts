// The test app as a process of its own: takes its options by IPC, ends with its parent, closes properly on SIGTERM.
import { createServer } from 'node:http'
import { inspect } from 'node:util'
import type { AuthOptions } from '../../../src/index.ts'
import { listen } from '../listen.ts'
import { listenToAll } from './app-events.ts'
import type { FromApp, ToApp } from './app-messages.ts'
import { createApp } from './app-routes.ts'
import { createGates } from './gates.ts'

const server = createServer()
const gates = createGates()
const tell = (message: FromApp) => void process.send?.(message)

process.on('disconnect', () => process.exit(1))
process.on('message', (message: ToApp) => {
  if (message.type === 'open') gates.gate(message.gate).open()
  else serve(message.options)
})
tell({ type: 'listening', port: await listen(server, 'localhost') })

function serve(options: AuthOptions) {
  const { app, auth } = createApp(options, {
    async waitAtGate(gate) {
      tell({ type: 'arrived', gate })
      await gates.waitForOpen(gate)
    },
    // As deep as it goes: what a careless logger would print is what the leak test must see.
    onError: (error) => console.error(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })),
  })
  listenToAll(auth, (told) => tell({ type: 'event', told }))
  server.on('request', app)
  process.once('SIGTERM', async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    await closed
    await auth.close()
    process.exit(0)
  })
  tell({ type: 'ready' })
}
