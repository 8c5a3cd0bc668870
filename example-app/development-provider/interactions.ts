// Logging in at the development provider: by a name, and a PIN where the app asks for it. Consent is taken as given.
import { type Response, Router, urlencoded } from 'express'
import type { Provider } from 'oidc-provider'
import { blockedPage } from './account-pages.ts'
import { PIN } from './configuration.ts'
import { loginPage } from './pages.ts'
import type { People, Person } from './people.ts'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

export function createInteractions(provider: Provider, people: People, appName: string): Router {
  const router = Router()

  router.get('/interaction/:uid', async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    const person = people.find(interaction.session?.accountId ?? '')
    if (person?.blocked) return offerToUnblock(res, interaction, person)
    if (person && interaction.prompt.name === 'consent') {
      const consent = await consentOf(interaction, person)
      return provider.interactionFinished(req, res, { consent })
    }
    const login = person?.name ?? String(interaction.params.login_hint ?? '')
    askForName(res, interaction, { login, again: person !== undefined })
  })

  router.post('/interaction/:uid', urlencoded({ extended: false }), async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    const { login, pin, cancel, unblock } = (req.body ?? {}) as Record<string, unknown>
    if (cancel !== undefined) {
      const refusal = { error: 'access_denied', error_description: 'The login was cancelled.' }
      return provider.interactionFinished(req, res, refusal, { mergeWithLastSubmission: false })
    }
    const name = typeof login === 'string' ? login.trim().replace(/\s+/g, ' ') : ''
    if (name === '' || name.length > 60) {
      const mistake = 'Please type a name of 1 to 60 letters.'
      return askForName(res.status(422), interaction, { login: name, mistake })
    }
    if (wantsPin(interaction) && !/^\d{4}$/.test(String(pin))) {
      const mistake = 'Please type a PIN of four digits.'
      return askForName(res.status(422), interaction, { login: name, mistake })
    }
    const person = people.welcome(name)
    if (unblock !== undefined) person.blocked = false
    if (person.blocked) return offerToUnblock(res, interaction, person)
    const { accountId } = person
    const consent = await consentOf(interaction, person)
    const acr = wantsPin(interaction) ? { acr: PIN } : {}
    await provider.interactionFinished(req, res, { login: { accountId, ...acr }, consent })
  })

  // Finishing `prompt=consent` with a grant is what makes oidc-provider issue a refresh token. A grant for each
  // login: revoking one session's tokens leaves the person's other sessions alone.
  async function consentOf(
    { params: { client_id: clientId, scope, resource } }: Interaction,
    { accountId }: Person,
  ): Promise<{ grantId: string }> {
    const grant = new provider.Grant({ accountId, clientId: String(clientId) })
    grant.addOIDCScope(String(scope))
    for (const api of [resource ?? []].flat()) grant.addResourceScope(String(api), String(scope))
    return { grantId: await grant.save() }
  }

  function askForName(
    res: Response,
    interaction: Interaction,
    form: { login: string; again?: boolean; mistake?: string },
  ): void {
    const action = `/interaction/${interaction.uid}`
    const page = loginPage({ appName, action, asksForPin: wantsPin(interaction), ...form })
    res.set('Cache-Control', 'no-store').send(page)
  }

  function offerToUnblock(res: Response, { uid }: Interaction, { name }: Person): void {
    res.set('Cache-Control', 'no-store').send(blockedPage({ name, action: `/interaction/${uid}` }))
  }

  return router
}

function wantsPin({ params: { acr_values: wanted } }: Interaction): boolean {
  return typeof wanted === 'string' && wanted.split(' ').includes(PIN)
}
