// POST /backchannel-logout: the provider says that somebody was logged out there (Back-Channel Logout 1.0 §2.5–2.8).
import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { isAuthError, RefusedError } from '../errors/errors.ts'
import { readForm } from '../http/form.ts'
import { reportRefused } from '../http/report-refused.ts'
import { addresseeOf, type LogoutToken } from '../provider/logout-token.ts'
import { groupsOf } from '../record/auth-record.ts'
import type { Realms } from '../session/realms.ts'
import type { Services } from '../session/services.ts'

/** Redis counts no further than its clock goes; such a token was not meant to end. */
const LONGEST_SECONDS = 10 * 365 * 86_400

/** More sessions nobody has at a provider that does not name them. */
const MOST_NAMELESS = 100

/** No cookie is read: the token is the proof, and it comes from the provider's server, not from a browser. */
export async function backchannelLogout(
  realms: Realms<Services>,
  req: Request,
  res: Response,
): Promise<void> {
  res.set('cache-control', 'no-store')
  // Whom a refusal is told of, until it is known whose logout it is.
  let own = realms.first
  try {
    const sent = await sentToken(req, res)
    const named = realmsNamed(realms, sent)
    own = named[0]
    const { all, fault } = await readByEach(named, sent)
    const unused = all.filter(({ wasUsed }) => !wasUsed)
    if (unused.length === 0) throw fault ?? refused('it was used before')
    for (const { services, token, seenKey } of unused) {
      // The refresh tokens are the provider's to revoke or, with offline_access, to leave (§2.7).
      await endSessions(services, token)
      // Remembered last: a logout that failed may be sent again.
      await services.store.useOnce(
        seenKey,
        Math.ceil(Math.min(Math.max(1, token.secondsLeft), LONGEST_SECONDS)),
      )
    }
    if (fault !== undefined) throw fault
    res.status(200).end()
  } catch (error) {
    if (!isAuthError(error)) throw error
    reportRefused(own, error, 'a back-channel logout failed')
    // §2.8: 400 for a request that is not valid, and for a logout that failed.
    res.status(400).json({ error: 'invalid_request', error_description: error.message })
  }
}

async function sentToken(req: Request, res: Response): Promise<string> {
  if (req.method !== 'POST') throw malformed('must be a POST')
  const sent = (await readForm(req, res, malformed)).get('logout_token')
  if (!sent) throw malformed('has no logout_token')
  return sent
}

/**
 * Whose logout it says it is; nothing of it was checked yet, so that each of them checks all of it. A client of each of several
 * realms may be named in one token.
 */
function realmsNamed(realms: Realms<Services>, sent: string): readonly [Services, ...Services[]] {
  if (realms.all.length === 1) return [realms.first]
  const { issuer, audience } = addresseeOf(sent)
  const [first, ...others] = issuer === undefined ? [] : realms.byIssuer(issuer, audience)
  if (first === undefined) throw refused('its iss and aud name no provider and client of these options')
  return [first, ...others]
}

/**
 * Of a token that names both, the session counts: the person's others at the provider go on (§2.4). Where no ID token named
 * it, as of providers that say `sid` here and not there, it is among those of the person that have no name.
 */
async function endSessions({ sessions, store }: Services, { group, sub }: LogoutToken): Promise<void> {
  const count = await sessions.endGroup(group, 'backchannel_logout')
  if (count > 0 || sub === undefined || group.claim === 'sub') return
  const ids = await store.index.page({ ...group, claim: 'sub', value: sub }, 0, MOST_NAMELESS)
  for (const id of ids) {
    const record = (await store.find(id)).value?.record
    if (record?.claims.sub === sub && groupsOf(record).length === 1)
      await sessions.end(id, 'backchannel_logout')
  }
}

interface ReadToken {
  readonly services: Services
  readonly token: LogoutToken
  readonly seenKey: string
  readonly wasUsed: boolean
}

/**
 * What one of them refuses, another may have been meant by.
 *
 * @returns what passed, and why the logout is to be sent again
 * @throws RefusedError, TryLaterError where none of them takes it
 */
async function readByEach(
  named: readonly Services[],
  sent: string,
): Promise<{ all: readonly ReadToken[]; fault: unknown }> {
  const outcomes = await Promise.allSettled(named.map((services) => readToken(services, sent)))
  const all = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const faults = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  const fault: unknown = faults.find((one) => !(one instanceof RefusedError))
  if (all.length === 0) throw fault ?? faults[0]
  return { all, fault }
}

/** @throws RefusedError, TryLaterError */
async function readToken(services: Services, sent: string): Promise<ReadToken> {
  const { config, provider, store } = services
  const token = await provider.logoutToken(sent, await store.now())
  // A `jti` is its issuer's own.
  const named = [config.issuer.href, config.clientID, token.jti].concat(token.group.tid ?? [])
  const seenKey = `logout:${createHash('sha256').update(JSON.stringify(named)).digest('base64url')}`
  return { services, token, seenKey, wasUsed: await store.wasUsed(seenKey) }
}

function refused(reason: string): RefusedError {
  return new RefusedError('logout_token_invalid', 400, 'The logout token was refused.', { reason })
}

function malformed(how: string, reason?: string): RefusedError {
  return new RefusedError('logout_token_invalid', 400, `The logout request ${how}.`, { reason })
}
