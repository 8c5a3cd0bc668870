// express-bff-session as it is published: the built package, its defaults, one guard; with OpenTelemetry where that is asked for.
import express from 'express'
import { requireAuth } from '../../dist/index.js'
import { instrument } from '../../dist/telemetry/index.js'
import { ourAuth } from './our-auth.mjs'
import { answerOf, serve } from './serve.mjs'
import { startSDK } from './telemetry.mjs'

serve(async (settings) => {
  const app = express()
  const { sdk, telemetry } = settings.options
  if (sdk) startSDK({ traces: sdk === 'metrics and traces' })
  const auth = ourAuth(settings)
  if (telemetry) instrument(auth)
  app.use(auth)
  app.get('/account', requireAuth(), (req, res) => void res.json(answerOf(req.oidc.user)))
  await auth.ready()
  return app
})
