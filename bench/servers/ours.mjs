// express-bff-session as it is published: the built package, its defaults, one guard.
import express from 'express'
import { requireAuth } from '../../dist/index.js'
import { ourAuth } from './our-auth.mjs'
import { answerOf, serve } from './serve.mjs'

serve(async (settings) => {
  const app = express()
  const auth = ourAuth(settings)
  app.use(auth)
  app.get('/account', requireAuth(), (req, res) => void res.json(answerOf(req.oidc.user)))
  await auth.ready()
  return app
})
