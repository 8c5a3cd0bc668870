// What one can do with an account, whoever has found out whose it is.
import express, { type Request, type Response, Router } from 'express'
import { sendProblem } from '../problem.ts'
import { createAccounts, euros, readAddress, readTransfer } from './accounts.ts'
import { streamRates } from './rates.ts'

export function createAccountRoutes(subOf: (req: Request, res: Response) => string): Router {
  const accounts = createAccounts()
  const router = Router()
  const readJSON = express.json({ limit: '1kb' })

  function show(sub: string) {
    const { balanceCents, address } = accounts.of(sub)
    return { balance: euros(balanceCents), address }
  }

  router.get('/account', (req, res) => {
    res.set('Cache-Control', 'no-store').json(show(subOf(req, res)))
  })

  router.post('/transfers', readJSON, (req, res) => {
    const sub = subOf(req, res)
    const transfer = readTransfer(req.body)
    if ('mistake' in transfer) return sendProblem(res, 400, 'invalid_transfer', transfer.mistake)
    if (!accounts.transfer(sub, transfer)) {
      return sendProblem(res, 409, 'not_enough_money', 'There is not enough money in the account.')
    }
    res.json({ ...show(sub), transfer: { to: transfer.to, amount: euros(transfer.amountCents) } })
  })

  router.put('/address', readJSON, (req, res) => {
    const sub = subOf(req, res)
    const read = readAddress(req.body)
    if ('mistake' in read) return sendProblem(res, 400, 'invalid_address', read.mistake)
    accounts.move(sub, read.address)
    res.json(show(sub))
  })

  router.get('/rates', streamRates)

  return router
}
