// The bank's API: another server, which the browser never talks to.
import express from 'express'
import { type AccessTokenRules, READ, requireAccessToken, WRITE } from './api/access-token.ts'
import { createAccountRoutes } from './api/account-routes.ts'
import { type Loopback, listenOnLoopback } from './loopback.ts'
import { answerError, answerNotFound } from './problem.ts'

/** What the bank's API is called, where no environment calls it anything else, and what one may do there. */
export const BANK_API = { audience: 'https://api.small-bank.example', scope: `${READ} ${WRITE}` }

export interface API extends Loopback {
  audience: string
}

export async function startAPI(rules: AccessTokenRules): Promise<API> {
  const app = express()
  app.disable('x-powered-by')
  app.use(requireAccessToken(rules))
  app.use(createAccountRoutes((_req, res) => res.locals.sub))
  app.use(answerNotFound)
  app.use(answerError)
  return { ...(await listenOnLoopback(app)), audience: rules.audience }
}
