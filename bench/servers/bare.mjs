// Express and nothing else: what all others are compared with.
import express from 'express'
import { shareHiddenClasses } from '../../dist/lib/hidden-class.js'
import { answerOf, serve } from './serve.mjs'

serve(({ options }) => {
  const app = express()
  const user = { sub: 'alice', name: 'alice Example' }
  if (options.sharedHiddenClasses) {
    app.use((req, res, next) => {
      shareHiddenClasses(req, res)
      next()
    })
  }
  app.get('/account', (_req, res) => void res.json(answerOf(user)))
  return app
})
