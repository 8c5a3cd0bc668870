// A login by the authorization code grant in as few lines as it takes, for the servers that have none of their own.
import { createHash, randomBytes } from 'node:crypto'

/**
 * @param {import('express').Express} app
 * @param {import('./serve.mjs').Settings} settings
 * @param {(req: any, res: any, session: object) => void | Promise<void>} loggedIn keeps the claims and the tokens
 */
export function mountLogin(app, { issuer, baseURL, clientId, clientSecret }, loggedIn) {
  const redirectUri = `${baseURL}/callback`
  const verifiers = new Map()

  app.get('/login', (_req, res) => {
    const [state, verifier] = [randomBytes(16).toString('hex'), randomBytes(32).toString('hex')]
    verifiers.set(state, verifier)
    const query = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    res.redirect(`${issuer}/auth?${query}`)
  })

  app.get('/callback', async (req, res) => {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: String(req.query.code),
        redirect_uri: redirectUri,
        code_verifier: verifiers.get(req.query.state) ?? '',
      }),
    })
    if (!answer.ok) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`)
    const tokens = await answer.json()
    const user = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString())
    await loggedIn(req, res, { user, tokens })
    res.json(user)
  })
}
