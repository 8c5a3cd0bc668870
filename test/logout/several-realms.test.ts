// Logout from elsewhere where there are several providers: only the sessions of the one that says so, or that was named.
import { claimKey } from '../../src/session/claims.ts'
import { createSessions, type Who } from '../../src/session/sessions.ts'
import {
  createLogoutClient,
  type LogoutClient,
  sendLogout,
  startLogoutProvider,
} from '../support/provider/logout-client.ts'
import { createSigningKey, signToken } from '../support/provider/signing-key.ts'
import { useParts } from '../support/servers.ts'
import { startSeveralRealms } from '../support/session/several-realms.ts'

/** `staff` and `sales` are two clients of one provider; everybody has the same `sub` and `sid` everywhere. */
const { clients, site } = useParts(async (start) => {
  const key = await createSigningKey()
  const jwks = { keys: [key.jwk as never] }
  const another = await start(startLogoutProvider({ configure: (given) => ({ ...given, jwks }) }))
  const one = await start(startLogoutProvider())
  const customers = createLogoutClient(another)
  const clients = {
    staff: createLogoutClient(one),
    sales: createLogoutClient(one),
    // With a key of its own: the providers of the tests share one.
    customers: {
      ...customers,
      token: (about?: object) => signToken(key, customers.claims(about), { header: { typ: 'logout+jwt' } }),
    },
  }
  return { clients, site: await start(startSeveralRealms(clients)) }
})
const NAMES = ['staff', 'sales', 'customers'] as const
type Name = (typeof NAMES)[number]

let sub: string
let ids: Record<Name, string>
let count = 0
beforeEach(async () => {
  count += 1
  sub = `person ${count}`
  site.ended.length = site.refused.length = site.lines.length = 0
  const logIn = async (name: Name) => [name, await site.logIn(name, sub, `session of ${sub}`)] as const
  ids = Object.fromEntries(await Promise.all(NAMES.map(logIn))) as Record<Name, string>
})

async function who(): Promise<Name[]> {
  const isIn = await Promise.all(NAMES.map((name) => site.isIn(ids[name])))
  return NAMES.filter((_, at) => isIn[at])
}

const without = (name: Name) => NAMES.filter((other) => other !== name)

describe('a back-channel logout', () => {
  test.each(NAMES.flatMap((name) => [[name, 'sub'] as const, [name, 'sid'] as const]))(
    'from %s by %s ends the sessions there and nowhere else',
    async (name, claim) => {
      const about = claim === 'sub' ? { sub } : { sid: `session of ${sub}` }
      const { status } = await sendLogout(site.url, await clients[name].token(about))
      expect(status).toBe(200)
      expect(await who()).toEqual(without(name))
      expect(site.ended).toEqual([{ subject: sub, reason: 'backchannel_logout', provider: name }])
    },
  )

  test('that names two clients of its provider ends the sessions of both', async () => {
    const aud = [clients.sales.options.clientID, clients.staff.options.clientID]
    const token = await clients.staff.token({ aud, sub })
    expect((await sendLogout(site.url, token)).status).toBe(200)
    expect(await who()).toEqual(['customers'])
    // Once.
    expect((await sendLogout(site.url, token)).status).toBe(400)
  })

  test('is checked by the keys of the provider that it names, and by no other’s', async () => {
    const { iss, aud } = clients.customers.claims()
    const { status } = await sendLogout(site.url, await clients.staff.token({ iss, aud, sub }))
    expect(status).toBe(400)
    expect(await who()).toEqual([...NAMES])
    expect(site.refused).toEqual([
      { code: 'logout_token_invalid', detail: expect.any(String), provider: 'customers' },
    ])
  })

  test.each<[string, object]>([
    ['of an issuer that nobody knows', { iss: 'https://nobody.example.com' }],
    ['for a client that nobody knows', { aud: 'nobody' }],
    ['for the client of another provider', { aud: 'customers' }],
    ['without an issuer', { iss: undefined }],
    ['without an audience', { aud: undefined }],
    ['whose audience is no text', { aud: [1] }],
  ])('%s is refused, and ends nothing', async (_what, claims) => {
    const aud =
      'aud' in claims && claims.aud === 'customers' ? { aud: clients.customers.options.clientID } : {}
    const token = await clients.staff.token({ sub, ...claims, ...aud })
    const answer = await sendLogout(site.url, token)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The logout token was refused.' },
    ])
    expect(await who()).toEqual([...NAMES])
  })

  test.each(['garbage', 'a.b.c', ''])('%j is refused', async (token) => {
    expect((await sendLogout(site.url, token)).status).toBe(400)
    expect(await who()).toEqual([...NAMES])
  })
})

describe('sessions.list(), revoke() and revokeAll()', () => {
  const sessions = () => createSessions(() => site.realms)

  test.each(NAMES)('a person is who they are at %s', async (provider) => {
    const listed = await sessions().list({ sub, provider })
    expect(listed).toEqual([expect.objectContaining({ id: ids[provider], provider })])
    expect(await sessions().revokeAll({ sub, provider })).toBe(1)
    expect(await who()).toEqual(without(provider))
    expect(site.ended).toEqual([{ subject: sub, reason: 'revoked', provider }])
  })

  test.each(NAMES)('an id needs no provider: one of %s ends there', async (provider) => {
    expect(await sessions().revoke(ids[provider])).toBe(true)
    expect(await who()).toEqual(without(provider))
    expect(site.ended).toEqual([{ subject: sub, reason: 'revoked', provider }])
    expect(await sessions().revoke(ids[provider])).toBe(false)
  })

  test('what a login with another client made of it is not ended with it: there the same sub is somebody else', async () => {
    const [first] = site.realms.all
    await first?.store.claim(claimKey('session', ids.staff), ids.sales, 60)
    expect(await sessions().revoke(ids.staff)).toBe(true)
    expect(await who()).toEqual(without('staff'))
    expect(site.ended).toEqual([{ subject: sub, reason: 'revoked', provider: 'staff' }])
  })

  test.each<[string, Who, RegExp]>([
    ['a sub alone', 'person', /needs a provider, one of staff, sales, customers, and was given none/],
    ['no provider', { sub: 'person' }, /needs a provider, one of staff/],
    ['a provider that there is not', { sub: 'person', provider: 'stuff' }, /was given another/],
    ['a misspelt name', { sub: 'person', provdier: 'staff' } as unknown as Who, /did you mean .*provider/],
  ])('%s could mean another person, and is a mistake', async (_what, given, message) => {
    const refusal = { name: 'ConfigurationError', message: expect.stringMatching(message) }
    await expect(sessions().list(given)).rejects.toMatchObject(refusal)
    await expect(sessions().revokeAll(given)).rejects.toMatchObject(refusal)
    expect(await who()).toEqual([...NAMES])
  })
})

describe('a back-channel logout for one of two that its token may be meant for', () => {
  const apart = useParts(async (start) => {
    const one = await start(startLogoutProvider())
    const staff = createLogoutClient(one)
    const clients = { strict: strictly(createLogoutClient(one)), staff }
    return { staff, clients, site: await start(startSeveralRealms(clients)) }
  })

  test('ends its sessions, although the other takes no such token', async () => {
    const { strict, staff } = apart.clients
    const ids = [await apart.site.logIn('strict', 'alice'), await apart.site.logIn('staff', 'alice')] as const
    const aud = [strict.options.clientID, staff.options.clientID]
    const token = await staff.token({ aud, sub: 'alice' }, { header: { typ: 'JWT' } })
    expect((await sendLogout(apart.site.url, token)).status).toBe(200)
    expect([await apart.site.isIn(ids[0]), await apart.site.isIn(ids[1])]).toEqual([true, false])
  })
})

function strictly(client: LogoutClient): LogoutClient {
  const options = { ...client.options, requireLogoutTokenType: true }
  return { ...client, options }
}
