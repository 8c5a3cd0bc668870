// What the provider of a soak saw of every refresh token: who presented it, when, and whether it was rotated.
import { type SeenRequest, sha256 } from '../test/support/provider/seen-requests.ts'

export interface Presentation {
  readonly hash: string
  readonly user: string | undefined
  readonly via: string
  readonly at: number
  readonly endedAt: number | undefined
  readonly status: number | undefined
  /** when the provider spent the token: from then on its holder alone has the next one */
  readonly rotatedAt: number | undefined
}

export interface LedgerFigures {
  presented: number
  rotated: number
  /** the same token came while it was on its way already */
  twiceInFlight: number
  /** some of them */
  doubles: { first: Presentation; second: Presentation }[]
  /** it came again after an attempt that had not spent it */
  againUnspent: number
  /** it came again after it was spent */
  againSpent: number
  /** it came from another client than it was given to, or was never given to anybody here */
  strange: number
  /** some of them */
  strangers: string[]
}

export interface TokenOwner {
  readonly user: string
  readonly clientId: string
}

export type Ledger = ReturnType<typeof createLedger>

interface Row {
  readonly seen: SeenRequest
  readonly owner: TokenOwner | undefined
  /** the token had been spent when it came */
  readonly spent: boolean
  rotatedAt: number | undefined
}

const KEPT_PER_OWNER = 6
const KEPT_DOUBLES = 20
const KEPT_STRANGERS = 5
const FORGET_AFTER_MS = 120_000

export function createLedger() {
  const owners = new Map<string, TokenOwner>()
  const latest = new Map<string, Row>()
  const byOwner = new Map<string, Row[]>()
  const figures = { presented: 0, rotated: 0, twiceInFlight: 0, againUnspent: 0, againSpent: 0, strange: 0 }
  const doubles: [Row, Row][] = []
  const strangers: string[] = []

  function forgetOld(now: number) {
    // The order of a Map is that of arrival.
    for (const [hash, { seen, rotatedAt }] of latest) {
      if (now - seen.at < FORGET_AFTER_MS) return
      if (rotatedAt === undefined && seen.endedAt === undefined) continue
      // Whose it was stays known: who presents it late is no stranger.
      latest.delete(hash)
    }
  }

  return {
    issued(token: string, owner: TokenOwner) {
      owners.set(sha256(token), owner)
    },

    presented(seen: SeenRequest) {
      const hash = seen.refreshTokenHash ?? ''
      const before = latest.get(hash)
      const spent = before !== undefined && (before.spent || before.rotatedAt !== undefined)
      const owner = owners.get(hash)
      const row: Row = { seen, owner, spent, rotatedAt: undefined }
      figures.presented += 1
      if (owner?.clientId !== seen.clientId) {
        figures.strange += 1
        const token = `${hash.slice(0, 8)} of ${owner === undefined ? 'nobody here' : nameOf(owner)}`
        if (strangers.length < KEPT_STRANGERS) strangers.push(`${token}, by ${seen.clientId} (${seen.via})`)
      }
      if (before !== undefined) {
        if (spent) figures.againSpent += 1
        else figures.againUnspent += 1
        if (before.seen.endedAt === undefined) {
          figures.twiceInFlight += 1
          if (doubles.length < KEPT_DOUBLES) doubles.push([before, row])
        }
      }
      latest.delete(hash)
      latest.set(hash, row)
      const own = byOwner.get(nameOf(owner)) ?? []
      byOwner.set(nameOf(owner), [...own, row].slice(-KEPT_PER_OWNER))
      forgetOld(seen.at)
    },

    rotated(token: string) {
      figures.rotated += 1
      const row = latest.get(sha256(token))
      if (row) row.rotatedAt = Date.now()
    },

    history: (owner: TokenOwner): Presentation[] => (byOwner.get(nameOf(owner)) ?? []).map(toPresentation),
    forget: (owner: TokenOwner) => void byOwner.delete(nameOf(owner)),

    figures: (): LedgerFigures => ({
      ...figures,
      strangers,
      doubles: doubles.map(([first, second]) => ({
        first: toPresentation(first),
        second: toPresentation(second),
      })),
    }),
  }
}

/** One person may have tokens of several clients. */
function nameOf(owner: TokenOwner | undefined): string {
  return owner === undefined ? '' : `${owner.user} of ${owner.clientId}`
}

function toPresentation({ seen, owner, rotatedAt }: Row): Presentation {
  const { refreshTokenHash: hash = '', via = '', at, endedAt, status } = seen
  return { hash, user: owner?.user, via, at, endedAt, status, rotatedAt }
}
