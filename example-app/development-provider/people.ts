// Who has logged in at the development provider: whoever typed a name.
import { createHash } from 'node:crypto'
import type { Account } from 'oidc-provider'

export interface Person extends Account {
  name: string
  /** Nobody gets tokens in their name. */
  blocked: boolean
}

export interface People {
  /** The person of that name, made when it is a new one. */
  welcome(name: string): Person
  find(accountId: string): Person | undefined
}

export function createPeople(issuer: string): People {
  const people = new Map<string, Person>()

  return {
    welcome(typed) {
      const accountId = accountIdOf(typed)
      const person = people.get(accountId) ?? newPerson(accountId, capitalized(typed), issuer)
      people.set(accountId, person)
      return person
    },
    find: (accountId) => people.get(accountId),
  }
}

function newPerson(accountId: string, name: string, issuer: string): Person {
  const claims = {
    sub: accountId,
    name,
    // OpenID Connect Core §5.1: the person's own page.
    profile: issuer + accountPath(accountId),
    email: `${accountId}@example.com`,
    email_verified: true,
  }
  return { accountId, name, blocked: false, claims: () => claims }
}

export function accountPath(accountId: string): string {
  return `/accounts/${accountId}`
}

// OpenID Connect Core §2: `sub` is ASCII, 255 characters at most.
function accountIdOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
  if (/[^\p{ASCII}]/u.test(plain))
    return `person-${createHash('sha256').update(plain).digest('hex').slice(0, 12)}`
  return plain.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'somebody'
}

function capitalized(name: string): string {
  return name.replace(/(?<=^|[\s-])\p{Lower}/gu, (letter) => letter.toUpperCase())
}
