// Express and nothing else: what all others are compared with.
import express from 'express'
import { answerOf, serve } from './serve.mjs'

serve(() => {
  const app = express()
  const user = { sub: 'alice', name: 'alice Example' }
  app.get('/account', (_req, res) => void res.json(answerOf(user)))
  return app
})
