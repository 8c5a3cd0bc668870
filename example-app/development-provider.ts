// An OpenID provider in this process, so that the example runs with no account anywhere. Never for real people.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createAccounts } from './development-provider/accounts.ts'
import { type API, APP_NAME, configurationFor, PIN } from './development-provider/configuration.ts'
import { createInteractions } from './development-provider/interactions.ts'
import { loadOidcProvider } from './development-provider/load-oidc-provider.ts'
import { errorPage, homePage } from './development-provider/pages.ts'
import { createPeople } from './development-provider/people.ts'
import { listenOnLoopback } from './loopback.ts'

const ASSETS = fileURLToPath(new URL('development-provider/public', import.meta.url))

export interface DevelopmentProviderOptions {
  /** The origin at which the browser finds the app, such as `http://localhost:3000`. */
  appURL: string
  api?: API
  /** The port of 127.0.0.1 to listen on. @defaultValue a free one */
  port?: number
}

export interface DevelopmentProvider {
  issuer: string
  clientID: string
  clientSecret: string
  /** What it calls an authentication that is stronger than the ordinary one. */
  acr: string
  close(): Promise<void>
}

type WebError = Error & { error?: string; status?: number }

export async function startDevelopmentProvider(
  options: DevelopmentProviderOptions,
): Promise<DevelopmentProvider> {
  const { origin: appURL } = new URL(options.appURL)
  const client = { clientID: 'small-bank', clientSecret: randomBytes(32).toString('base64url'), appURL }
  const web = express()
  const { url: issuer, close } = await listenOnLoopback(web, options.port)
  const people = createPeople(issuer)

  const { Provider } = await loadOidcProvider()
  const provider = new Provider(issuer, await configurationFor(client, people, options.api))

  web.disable('x-powered-by')
  web.use(setSecurityHeaders)
  web.use('/provider-assets', express.static(ASSETS))
  web.get('/', (_req, res) => void res.send(homePage(appURL)))
  web.use(createAccounts(people, APP_NAME, appURL))
  web.use(createInteractions(provider, people, APP_NAME))
  web.use(provider.callback())
  web.use(answerError)

  // Chromium holds a form's `form-action` against every redirect that follows, so the way back to the app is in it.
  function setSecurityHeaders(_req: Request, res: Response, next: NextFunction): void {
    res.set({
      'Content-Security-Policy':
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; " +
        `frame-ancestors 'none'; form-action 'self' ${appURL}`,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    next()
  }

  function answerError(error: WebError, _req: Request, res: Response, _next: NextFunction): void {
    const { error: code = 'server_error', status = 500 } = error
    const isOver = code === 'invalid_request'
    const description = isOver
      ? 'This login is over or expired. Please start again.'
      : 'Something went wrong.'
    res.status(status).send(errorPage(code, description, appURL))
  }

  return {
    issuer,
    clientID: client.clientID,
    clientSecret: client.clientSecret,
    acr: PIN,
    close,
  }
}
