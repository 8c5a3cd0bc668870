// express-openid-connect, with its store on Redis or with its cookie.
import { RedisStore } from 'connect-redis'
import express from 'express'
import openidConnect from 'express-openid-connect'
import { Redis } from 'ioredis'
import { answerOf, serve } from './serve.mjs'

serve(({ issuer, baseURL, clientId, clientSecret, secret, redisUrl, options }) => {
  const app = express()
  app.use(
    openidConnect.auth({
      issuerBaseURL: issuer,
      baseURL,
      clientID: clientId,
      clientSecret,
      secret,
      authRequired: false,
      authorizationParams: {
        response_type: 'code',
        scope: 'openid profile email offline_access',
        prompt: 'consent',
      },
      ...(options.store && { session: { store: new RedisStore({ client: new Redis(redisUrl) }) } }),
    }),
  )
  app.get('/account', openidConnect.requiresAuth(), (req, res) => void res.json(answerOf(req.oidc.user)))
  return app
})
