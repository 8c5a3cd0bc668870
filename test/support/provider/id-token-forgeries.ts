// Forged ID tokens, the same at login and at renewal, named after the OpenID Foundation's relying-party modules.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { exchange } from '../browser/http-exchange.ts'
import { accessTokenHash, type Forge, flipped, type Genuine, signed } from './forge-id-token.ts'
import type { TestProvider } from './provider.ts'
import { claimsOfToken, createSigningKey, type SigningKey } from './signing-key.ts'

// Made now: while a renewal waits for its answer there is no time for it.
const stranger = await createSigningKey()
const elliptic = await createSigningKey('ES256')

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

/** With claims, and nothing else, that are not what they have to be. */
export const FORGED_CLAIMS: [name: string, Forge][] = [
  ['invalid-iss: + "1"', signed(({ iss }) => ({ iss: `${iss}1` }))],
  ['invalid-iss: with a slash', signed(({ iss }) => ({ iss: `${iss}/` }))],
  ['invalid-iss: in other case', signed(({ iss }) => ({ iss: String(iss).toUpperCase() }))],
  ['invalid-iss: in a list', signed(({ iss }) => ({ iss: [iss] }))],
  ['missing-iss', signed(() => ({ iss: undefined }))],
  ['missing-sub', signed(() => ({ sub: undefined }))],
  ['an empty sub', signed(() => ({ sub: '' }))],
  ['sub a number', signed(() => ({ sub: 1 }))],
  ['sub an object', signed(({ sub }) => ({ sub: { toString: sub } }))],
  ['sub in a list', signed(({ sub }) => ({ sub: [sub] }))],
  ['sub null', signed(() => ({ sub: null }))],
  ['sub of 256 characters', signed(() => ({ sub: 'x'.repeat(256) }))],
  ['invalid-aud: + "1"', signed(({ aud }) => ({ aud: `${aud}1` }))],
  ['invalid-aud: an empty list', signed(() => ({ aud: [] }))],
  ['invalid-aud: a list of one other', signed(({ aud }) => ({ aud: [`${aud}1`] }))],
  [
    'invalid-aud: a list of others, with our azp',
    signed(({ aud }) => ({ aud: [`${aud}1`, 'other'], azp: aud })),
  ],
  ['missing-aud', signed(() => ({ aud: undefined }))],
  ['aud of several without azp', signed(({ aud }) => ({ aud: [aud, 'other'] }))],
  ['aud of several with the azp of another', signed(({ aud }) => ({ aud: [aud, 'other'], azp: 'other' }))],
  ['missing-exp', signed(() => ({ exp: undefined }))],
  ['exp a string', signed(({ exp }) => ({ exp: String(exp) }))],
  ['exp negative', signed(() => ({ exp: -1 }))],
  ['exp past', signed(() => ({ exp: inSeconds(-60) }))],
  ['missing-iat', signed(() => ({ iat: undefined }))],
  ['iat a string', signed(({ iat }) => ({ iat: String(iat) }))],
  ['iat in a minute', signed(() => ({ iat: inSeconds(60) }))],
  ['nbf in a minute', signed(() => ({ nbf: inSeconds(60) }))],
  ['nonce-invalid: + "1"', signed(({ nonce }) => ({ nonce: `${nonce}1` }))],
  ['nonce-invalid: empty', signed(() => ({ nonce: '' }))],
  [
    'invalid-athash: one bit',
    signed((_, { accessToken }) => ({ at_hash: flipped(accessTokenHash(accessToken)) })),
  ],
  [
    'invalid-athash: + "1"',
    signed((_, { accessToken }) => ({ at_hash: `${accessTokenHash(accessToken)}1` })),
  ],
  ['invalid-athash: of another token', signed(() => ({ at_hash: accessTokenHash('another') }))],
  [
    'invalid-athash: by another hash',
    signed((_, { accessToken }) => ({ at_hash: accessTokenHash(accessToken, 'sha512') })),
  ],
  ['auth_time a string', signed(() => ({ auth_time: String(inSeconds(0)) }))],
]

/** With a signature that is none, or that is not the provider's. */
export const FORGED_SIGNATURES: [name: string, Forge][] = [
  ['idtoken-sig-none', signed(undefined, { alg: 'none' })],
  [
    'idtoken-sig-none: in capitals',
    withParts(({ header }) => ({ header: { ...header, alg: 'NONE' }, signature: '' })),
  ],
  ['idtoken-sig-none: with the old signature', withParts(() => ({ header: { alg: 'none' } }))],
  ['no alg', withParts(({ header }) => ({ header: { ...header, alg: undefined } }))],
  [
    'invalid-sig-rs256: one bit of the signature',
    withParts(({ signature }) => ({ signature: flipped(signature) })),
  ],
  [
    'invalid-sig-rs256: half of the signature',
    withParts(({ signature }) => ({ signature: signature.slice(0, 171) })),
  ],
  ['invalid-sig-rs256: no signature', withParts(() => ({ signature: '' }))],
  [
    'invalid-sig-rs256: another payload',
    withParts(({ claims }) => ({ claims: { ...claims, sub: 'mallory' } })),
  ],
  ['invalid-sig-rs256: a key of somebody else under the same kid', byStranger(stranger, () => ({}))],
  [
    'invalid-sig-rs256: a key that the header brings along',
    byStranger(stranger, (jwk) => ({ jwk, kid: undefined })),
  ],
  ['invalid-sig-rs256: a kid that nobody knows', signed(undefined, { header: { kid: 'unknown' } })],
  ['the provider’s key with PS256', signed(undefined, { alg: 'PS256' })],
  ['the provider’s key with RS512', signed(undefined, { alg: 'RS512' })],
  ['invalid-sig-es256: another algorithm than the configured one', byStranger(elliptic, () => ({}), 'ES256')],
  ['invalid-sig-hs256: keyed with the client secret', byHmac(secretOf)],
  [
    'invalid-sig-hs256: keyed with the public key',
    byHmac(async ({ provider }) => pemOf(await publicJwk(provider))),
  ],
  [
    'invalid-sig-hs256: keyed with the public JWK',
    byHmac(async ({ provider }) => JSON.stringify(await publicJwk(provider))),
  ],
  [
    'invalid-sig-hs256: keyed with the modulus',
    byHmac(async ({ provider }) => String((await publicJwk(provider)).n)),
  ],
]

/** Unusual, and right. */
export const UNUSUAL: [name: string, Forge][] = [
  ['idtoken-sig-rs256: signed once more', signed()],
  ['kid-absent-single-jwks: no kid', signed(undefined, { header: { kid: undefined } })],
  ['aud a list of one', signed(({ aud }) => ({ aud: [aud] }))],
  ['at_hash right', signed((_, { accessToken }) => ({ at_hash: accessTokenHash(accessToken) }))],
  ['at_hash null, which is how Authentik leaves it out', signed(() => ({ at_hash: null }))],
  [
    'exp past by less than the clock tolerance',
    signed(() => ({ iat: inSeconds(-3610), exp: inSeconds(-10) })),
  ],
  ['iat ahead by less than the clock tolerance', signed(() => ({ iat: inSeconds(10) }))],
  [
    'iat and exp with fractions',
    signed(({ iat, exp }) => ({ iat: Number(iat) + 0.25, exp: Number(exp) + 0.5 })),
  ],
  ['typ of another kind', signed(undefined, { header: { typ: 'id_token+jwt' } })],
  ['no typ', signed(undefined, { header: { typ: undefined } })],
  ['claims that nobody knows', signed(() => ({ __proto__x: { a: [1] }, 'https://x/y': true }))],
]

interface Parts {
  header: object
  claims: Record<string, unknown>
  signature: string
}

/** Not signed again: what a forger does who has no key. */
function withParts(change: (parts: Parts) => Partial<Parts>): Forge {
  return ({ idToken }) => {
    const [header = '', , signature = ''] = idToken.split('.')
    const claims = claimsOfToken(idToken)
    const parts = { header: JSON.parse(Buffer.from(header, 'base64url').toString()), claims, signature }
    const changed = { ...parts, ...change(parts) }
    return [encode(changed.header), encode(changed.claims), changed.signature].join('.')
  }
}

function byStranger(
  { jwk, publicJwk }: SigningKey,
  header: (publicJwk: object) => Record<string, unknown>,
  alg = 'RS256',
): Forge {
  return signed(undefined, { alg, key: jwk, header: header(publicJwk) })
}

function byHmac(secret: (genuine: Genuine) => string | Promise<string>): Forge {
  return async (genuine) => signed(undefined, { alg: 'HS256', key: await secret(genuine) })(genuine)
}

function secretOf({ idToken, provider }: Genuine): string {
  return String(provider.store.get('Client', String(claimsOfToken(idToken).aud))?.client_secret)
}

async function publicJwk({ issuer }: TestProvider): Promise<JsonWebKey> {
  const { body } = await exchange({ method: 'GET', url: `${issuer}/jwks` })
  return JSON.parse(body).keys[0]
}

function pemOf(key: JsonWebKey): string {
  return createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
