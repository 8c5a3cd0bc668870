// The least that a session in Redis can be: a signed cookie is checked, one key is read.
import { randomBytes } from 'node:crypto'
import { sign, unsign } from 'cookie-signature'
import express from 'express'
import { Redis } from 'ioredis'
import { mountLogin } from './plain-login.mjs'
import { answerOf, serve } from './serve.mjs'

const COOKIE = /(?:^|; )sid=([^;]*)/

serve((settings) => {
  const app = express()
  const redis = new Redis(settings.redisUrl)
  mountLogin(app, settings, async (_req, res, known) => {
    const id = randomBytes(24).toString('base64url')
    await redis.set(`session:${id}`, JSON.stringify(known), 'EX', 86_400)
    res.cookie('sid', sign(id, settings.secret), { httpOnly: true, sameSite: 'lax' })
  })
  app.get('/account', async (req, res) => {
    const [, value] = COOKIE.exec(req.headers.cookie ?? '') ?? []
    const id = value !== undefined && unsign(decodeURIComponent(value), settings.secret)
    const stored = id && (await redis.get(`session:${id}`))
    if (!stored) return void res.sendStatus(401)
    res.json(answerOf(JSON.parse(stored).user))
  })
  return app
})
