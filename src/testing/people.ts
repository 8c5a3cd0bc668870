// Who may log in at the provider of an app's tests, and with what.

/** Any claims beside `sub`: `roles`, `email`, `acr`, … */
export interface TestPerson {
  sub: string
  [claim: string]: unknown
}

export interface LoginOptions {
  /** How long ago they authenticated, for `requireStepUp()`. @defaultValue `0` */
  authenticatedSecondsAgo?: number | undefined
  /** The ID token has expired by the next request, which therefore renews it first. @defaultValue `false` */
  due?: boolean | undefined
}

/** Somebody's consent, with all tokens that came of it. */
export interface Grant {
  readonly person: TestPerson
  readonly authTime: number
  readonly params: URLSearchParams
  isRevoked: boolean
}

export interface People {
  /** No login and no renewal of theirs goes well until `unblock()`. */
  block(sub: string): void
  unblock(sub: string): void
  /** What the next renewals say of them, in place of what was said at the login. */
  change(person: TestPerson): void
  isBlocked(sub: string): boolean
  newest(person: TestPerson): TestPerson
}

export function createPeople(): People {
  const blocked = new Set<string>()
  const changed = new Map<string, TestPerson>()
  return {
    block: (sub) => void blocked.add(sub),
    unblock: (sub) => void blocked.delete(sub),
    change: (person) => void changed.set(person.sub, person),
    isBlocked: (sub) => blocked.has(sub),
    newest: (person) => changed.get(person.sub) ?? person,
  }
}
