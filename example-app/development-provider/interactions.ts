// Logging in at the development provider: a name is all it asks for, and consent is taken as given.
import { type Response, Router, urlencoded } from 'express'
import type { Provider } from 'oidc-provider'
import { loginPage } from './pages.ts'
import type { People } from './people.ts'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

export function createInteractions(provider: Provider, people: People, appName: string): Router {
  const router = Router()

  router.get('/interaction/:uid', async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    if (interaction.prompt.name === 'consent' && interaction.session) {
      const consent = await consentOf(interaction, interaction.session.accountId)
      await provider.interactionFinished(req, res, { consent })
      return
    }
    askForName(res, interaction, { login: String(interaction.params.login_hint ?? '') })
  })

  router.post('/interaction/:uid', urlencoded({ extended: false }), async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    const { login, cancel } = (req.body ?? {}) as Record<string, unknown>
    if (cancel !== undefined) {
      const refusal = { error: 'access_denied', error_description: 'The log-in was cancelled.' }
      await provider.interactionFinished(req, res, refusal, { mergeWithLastSubmission: false })
      return
    }
    const name = typeof login === 'string' ? login.trim().replace(/\s+/g, ' ') : ''
    if (name === '' || name.length > 60) {
      askForName(res.status(422), interaction, {
        login: name,
        mistake: 'Please type a name of 1 to 60 letters.',
      })
      return
    }
    const { accountId } = people.welcome(name)
    const consent = await consentOf(interaction, accountId)
    await provider.interactionFinished(req, res, { login: { accountId }, consent })
  })

  // Finishing `prompt=consent` with a grant is what makes oidc-provider issue a refresh token. A grant for each
  // log-in: revoking one session's tokens leaves the person's other sessions alone.
  async function consentOf({ params }: Interaction, accountId: string): Promise<{ grantId: string }> {
    const grant = new provider.Grant({ accountId, clientId: String(params.client_id) })
    grant.addOIDCScope(String(params.scope))
    return { grantId: await grant.save() }
  }

  function askForName(res: Response, { uid }: Interaction, form: { login: string; mistake?: string }): void {
    res.set('Cache-Control', 'no-store').send(loginPage({ appName, action: `/interaction/${uid}`, ...form }))
  }

  return router
}
