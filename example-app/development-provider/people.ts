// Who has logged in at the development provider: whoever typed a name.
import { createHash } from 'node:crypto'
import type { Account } from 'oidc-provider'

export interface People {
  /** The account of that name, made when it is new. */
  welcome(name: string): Account
  find(accountId: string): Account | undefined
}

export function createPeople(): People {
  const accounts = new Map<string, Account>()

  return {
    welcome(name) {
      const account = accountOf(name)
      accounts.set(account.accountId, account)
      return account
    },
    find: (accountId) => accounts.get(accountId),
  }
}

function accountOf(name: string): Account {
  const accountId = accountIdOf(name)
  const claims = {
    sub: accountId,
    name: capitalized(name),
    email: `${accountId}@example.com`,
    email_verified: true,
  }
  return { accountId, claims: () => claims }
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
