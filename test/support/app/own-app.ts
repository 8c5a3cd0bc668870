// An app that a test builds itself, for what the test app's routes do not show: mount paths, an express-session above.
import { createServer } from 'node:http'
import type { Express } from 'express'
import type { AuthOptions } from '../../../src/index.ts'
import { closeServer, listen } from '../listen.ts'
import { type AppSetup, resolveOptions } from './app-options.ts'
import type { Auth } from './app-routes.ts'

export interface OwnApp {
  /** where it listens; no slash at the end */
  readonly url: string
  stop(): Promise<void>
}

export interface OwnAppSetup extends AppSetup {
  /** the path below which the app lives, as in `baseURL` */
  basePath?: string
}

export async function startOwnApp(
  { basePath = '', ...setup }: OwnAppSetup,
  build: (options: AuthOptions) => { app: Express; auth?: Auth },
): Promise<OwnApp> {
  const server = createServer()
  const url = `http://localhost:${await listen(server, 'localhost')}`
  try {
    const { app, auth } = build(await resolveOptions(setup, url + basePath))
    server.on('request', app)
    return {
      url,
      async stop() {
        await closeServer(server)
        await auth?.close()
      },
    }
  } catch (error) {
    await closeServer(server)
    throw error
  }
}
