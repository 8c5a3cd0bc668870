// The bank: a page, and behind it a server that logs people in and hands on what they ask of the bank's API.
import { fileURLToPath } from 'node:url'
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import { type AuthOptions, auth } from 'express-bff-session'
import { createAccess, type TheAPI } from './account-access.ts'
import { BANK_API } from './api.ts'
import { html } from './development-provider/html.ts'
import { sendPage } from './page.ts'
import { answerError, answerNotFound } from './problem.ts'
import { createSessionRoutes } from './sessions.ts'
import { chooseProvider, createStaffRoutes } from './two-providers.ts'

const PUBLIC_FILES = fileURLToPath(new URL('public', import.meta.url))
const NOT_FOUND = html`<p class="lead">The address may be mistyped, or the page is gone. Your session is as it was.</p>
      <p><a class="button" href="/">Back to the bank</a></p>`
/** The README shows it too. */
const DRAWING = fileURLToPath(new URL('../docs/images/how-it-works.svg', import.meta.url))

export interface BankParts {
  /** Serves the files of `express-bff-session/browser`. */
  browserModule: RequestHandler
  /** Without one, the bank keeps the accounts itself. */
  api?: TheAPI | undefined
  /** What the provider calls an authentication that is strong enough to change an address. */
  acr?: string | undefined
}

export interface Bank {
  app: Express
  /** Waits for renewals in flight, then lets go of the session store. */
  close(): Promise<void>
}

export function createBank(options: AuthOptions, { browserModule, api, acr }: BankParts): Bank {
  const bff = auth({
    // Short, so that one sees a renewal happen.
    renewal: { afterSeconds: 30 },
    // OpenID Connect Core §5.1: a person's name, and the page of theirs at the provider.
    userClaims: ['name', 'profile'],
    // The page says in its own words what went wrong.
    onCallbackError(error, _req, res, next) {
      if (error.status === 503) next()
      else res.redirect(303, `/?problem=${error.code}`)
    },
    ...(options.providers && { onChooseProvider: chooseProvider }),
    ...options,
    authorizationParams: {
      // OpenID Connect Core §11: `offline_access` comes with `prompt=consent`.
      prompt: 'consent',
      // RFC 8707 §2
      ...(api && { resource: api.audience, scope: `openid profile email offline_access ${BANK_API.scope}` }),
    },
  })

  const app = express()
  app.disable('x-powered-by')
  app.use(setSecurityHeaders)
  app.use(express.static(PUBLIC_FILES))
  app.get('/how-it-works.svg', sendDrawing)
  app.use('/express-bff-session', browserModule)
  app.use(bff)
  if (options.providers) app.use('/staff', createStaffRoutes())
  app.use('/api/sessions', createSessionRoutes(bff))
  app.use('/api', createAccess(api, acr))
  app.use(showNotFound, answerNotFound)
  app.use(answerError)

  return { app, close: () => bff.close() }
}

function sendDrawing(_req: Request, res: Response): void {
  // Its colours, light and dark, are written in it; it does nothing else.
  res.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'").sendFile(DRAWING)
}

/** A page for who opens one. Others ask for HTML not by name, and get a problem. */
function showNotFound(req: Request, res: Response, next: NextFunction): void {
  res.vary('Accept')
  if (req.accepts(['json', 'html']) === 'html')
    sendPage(res.status(404), 'There is nothing here', NOT_FOUND, 'Nothing here')
  else next()
}

const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"

function setSecurityHeaders(_req: Request, res: Response, next: NextFunction): void {
  res.set({
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
  next()
}
