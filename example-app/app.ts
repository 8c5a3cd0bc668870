// The bank: a page, a balance that needs a log-in, and a transfer that asks the provider first.
import { fileURLToPath } from 'node:url'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { type AuthOptions, auth, requireAuth, requireFresh } from 'express-bff-session'
import { createAccounts, euros, readTransfer } from './accounts.ts'
import { createSessionRoutes } from './sessions.ts'

const PUBLIC_FILES = fileURLToPath(new URL('public', import.meta.url))

type HttpError = Error & { status?: number }

export interface Bank {
  app: Express
  /** Waits for renewals in flight, then lets go of the session store. */
  close(): Promise<void>
}

export function createBank(options: AuthOptions & { issuerBaseURL: string }): Bank {
  const accounts = createAccounts()
  const bff = auth({
    // Short, so that one sees a renewal happen.
    renewal: { afterSeconds: 30 },
    // OpenID Connect Core §11: `offline_access` comes with `prompt=consent`.
    authorizationParams: { prompt: 'consent' },
    ...options,
  })

  const app = express()
  app.disable('x-powered-by')
  app.use(securityHeaders(new URL(options.issuerBaseURL).origin))
  app.use(express.static(PUBLIC_FILES))
  app.use(bff)

  app.get('/api/balance', requireAuth(), (req, res) => {
    res.json({ balance: accounts.balanceOf(subOf(req)), session: sessionOf(req) })
  })

  app.post('/api/transfer', requireFresh(), express.json({ limit: '1kb' }), (req, res) => {
    const transfer = readTransfer(req.body)
    if ('mistake' in transfer) return sendProblem(res, 400, 'invalid_transfer', transfer.mistake)
    if (!accounts.transfer(subOf(req), transfer)) {
      return sendProblem(res, 409, 'not_enough_money', 'There is not enough money in the account.')
    }
    res.json({
      transfer: { to: transfer.to, amount: euros(transfer.amountCents) },
      balance: accounts.balanceOf(subOf(req)),
      session: sessionOf(req),
    })
  })

  app.use('/api/sessions', createSessionRoutes(bff))

  app.use(answerError)

  return { app, close: () => bff.close() }
}

function securityHeaders(providerOrigin: string) {
  // Chromium holds `form-action` against every redirect that follows a form, and POST /logout goes on to the provider.
  const contentSecurityPolicy =
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; " +
    `form-action 'self' ${providerOrigin}`

  return function setSecurityHeaders(_req: Request, res: Response, next: NextFunction): void {
    res.set({
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    next()
  }
}

function subOf(req: Request): string {
  const sub = req.oidc.user?.sub
  if (sub === undefined) throw new Error('This route needs a guard before it.')
  return sub
}

function sessionOf(req: Request): { generation?: number | undefined; renewedAt?: Date | undefined } {
  const { generation, renewedAt } = req.oidc.session ?? {}
  return { generation, renewedAt }
}

function sendProblem(res: Response, status: number, code: string, detail: string): void {
  res.status(status).type('application/problem+json').send(JSON.stringify({ status, code, detail }))
}

// Express recognises an error handler by its four parameters.
function answerError(error: HttpError, _req: Request, res: Response, next: NextFunction): void {
  const { status = 500 } = error
  if (res.headersSent) {
    next(error)
  } else if (status < 500) {
    sendProblem(res, status, 'bad_request', 'The bank could not read this request.')
  } else {
    // The stack alone: an error's other properties can hold what was sent.
    console.error(error.stack)
    sendProblem(res, status, 'server_error', 'Something went wrong at the bank.')
  }
}
