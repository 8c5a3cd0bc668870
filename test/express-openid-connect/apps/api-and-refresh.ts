// An app of express-openid-connect that calls an API with the person's token; nothing but the name it imports from is ours.
import express from 'express'
import { auth } from 'express-bff-session/express-openid-connect'

export function createApp() {
  const app = express()
  const oidc = auth({
    authorizationParams: {
      response_type: 'code',
      scope: 'openid profile email offline_access',
      prompt: 'consent',
    },
    getLoginState: (req, { returnTo }) => ({ returnTo, campaign: req.query.campaign ?? null }),
    afterCallback: async (req, _res, session, state) => {
      const { email } = await req.oidc.fetchUserInfo()
      return { ...session, welcome: `${email} by ${state.campaign}` }
    },
  })
  app.use(oidc)
  app.get('/orders', async (req, res) => {
    const token = req.oidc.accessToken
    if (token === undefined) throw new Error('there is no access token')
    let { access_token, token_type, isExpired, refresh } = token
    if (isExpired()) ({ access_token } = await refresh())
    const headers = { authorization: `${token_type} ${access_token}` }
    const answer = await fetch(`${process.env.API_URL}/orders`, { headers })
    const { welcome } = (req as unknown as { appSession: Record<string, unknown> }).appSession
    res.json({ welcome, orders: await answer.json() })
  })
  return { app, oidc }
}
