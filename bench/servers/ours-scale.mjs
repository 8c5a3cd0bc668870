// express-bff-session with what `--scale` has to know besides: who has arrived, which generation they were served.
import express from 'express'
import { requireAuth } from '../../dist/index.js'
import { ourAuth } from './our-auth.mjs'
import { answerOf, serve } from './serve.mjs'

let arrived = 0
let sessions

serve(
  async (settings) => {
    const app = express()
    const auth = ourAuth(settings)
    sessions = auth.sessions
    app.use((_req, _res, next) => {
      arrived += 1
      next()
    })
    app.use(auth)
    app.get('/account', requireAuth(), (req, res) => {
      res.json({ ...answerOf(req.oidc.user), generation: req.oidc.session.generation })
    })
    app.post('/renew', requireAuth(), async (req, res) => {
      await req.oidc.renew()
      res.json({ generation: req.oidc.session.generation })
    })
    await auth.ready()
    return app
  },
  {
    arrived: () => arrived,
    /** how long it takes here, without the way to the bench and back */
    async list(sub) {
      const began = performance.now()
      const { length } = await sessions.list(sub)
      return { milliseconds: performance.now() - began, length }
    },
  },
)
