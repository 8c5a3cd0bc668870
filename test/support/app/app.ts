// The test app in the test's own process.
import { createServer, type Server } from 'node:http'
import type { Express } from 'express'
import { closeServer, listen } from '../listen.ts'
import { type AppEvent, listenToAll } from './app-events.ts'
import { type AppSetup, resolveOptions } from './app-options.ts'
import { type Auth, createApp } from './app-routes.ts'
import { createGates, type Gate } from './gates.ts'

export interface TestApp {
  readonly url: string
  readonly app: Express
  readonly auth: Auth
  readonly server: Server
  /** what `auth()` told, in order */
  readonly events: AppEvent[]
  /** errors that reached the end of the app */
  readonly errors: unknown[]
  gate(name: string): Gate
  stop(): Promise<void>
}

export async function startApp(setup: AppSetup = {}): Promise<TestApp> {
  const server = createServer()
  const url = `http://localhost:${await listen(server, 'localhost')}`
  const gates = createGates()
  const events: AppEvent[] = []
  const errors: unknown[] = []
  try {
    // Whoever looks at the log gives one; else what is told on purpose stays out of the run's output.
    const quiet = { logger: { warn() {} } }
    const { app, auth } = createApp(
      { ...quiet, ...(await resolveOptions(setup, url)) },
      {
        async waitAtGate(name) {
          gates.announce(name)
          await gates.waitForOpen(name)
        },
        onError: (error) => errors.push(error),
      },
    )
    listenToAll(auth, (told) => events.push(told))
    server.on('request', app)
    return {
      url,
      app,
      auth,
      server,
      events,
      errors,
      gate: gates.gate,
      async stop() {
        await closeServer(server)
        await auth.close()
      },
    }
  } catch (error) {
    await closeServer(server)
    throw error
  }
}
