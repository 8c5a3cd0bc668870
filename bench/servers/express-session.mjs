// express-session over connect-redis and ioredis, with their defaults.
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import { mountLogin } from './plain-login.mjs'
import { answerOf, serve } from './serve.mjs'

serve((settings) => {
  const app = express()
  const store = new RedisStore({ client: new Redis(settings.redisUrl) })
  app.use(session({ store, secret: settings.secret, resave: false, saveUninitialized: false }))
  mountLogin(app, settings, (req, _res, known) => void Object.assign(req.session, known))
  app.get('/account', (req, res) => {
    if (!req.session.user) return void res.sendStatus(401)
    res.json(answerOf(req.session.user))
  })
  return app
})
