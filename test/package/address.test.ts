// Where the project is: one place says it.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { address, addressFrom } from '../../scripts/address.mjs'

const root = join(import.meta.dirname, '../..')
const { homepage, bugs, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const NOT_OURS = /^(?:node_modules|dist|site|coverage|\.git)$/

test('homepage and bugs of package.json are what its repository says (npm run address)', () => {
  expect({ homepage, bugs, repository }).toEqual(address().fields)
})

test('no other file says where the project is', () => {
  const files = readdirSync(root)
    .filter((name) => !NOT_OURS.test(name) && name !== 'package.json')
    .flatMap((name) =>
      statSync(join(root, name)).isDirectory()
        ? readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file))
        : [name],
    )
    .filter((file) => /\.(?:[cm]?[jt]s|md|ya?ml|json|html|css|svg)$/.test(file) && !/node_modules/.test(file))
  expect(files.length).toBeGreaterThan(300)
  const told = [address().path, new URL(homepage).host]
  const saying = files.filter((file) =>
    told.some((word) => readFileSync(join(root, file), 'utf8').includes(word)),
  )
  expect(saying).toEqual([])
})

test.each([
  'https://github.com/Acme/bff',
  'https://github.com/Acme/bff/',
  'git+https://github.com/Acme/bff.git',
])('%s is understood', (url) => {
  expect(addressFrom(url)).toEqual({
    path: 'Acme/bff',
    web: 'https://github.com/Acme/bff',
    isPublic: true,
    fields: {
      repository: { type: 'git', url: 'git+https://github.com/Acme/bff.git' },
      homepage: 'https://acme.github.io/bff/',
      bugs: { url: 'https://github.com/Acme/bff/issues' },
    },
  })
})

test.each([
  '',
  'https://gitlab.com/acme/bff',
  'https://github.com/acme',
  'https://github.com/acme/bff/issues',
])('%j is no repository on GitHub', (url) => {
  expect(() => addressFrom(url)).toThrow(/is no repository on GitHub: https:\/\/github\.com\/OWNER\/NAME/)
})

test.each([
  ['acme', true],
  ['a-b-2', true],
  ['owner.invalid', false],
  ['-owner', false],
])('an owner named %s may be there: %s', (owner, isPublic) => {
  expect(addressFrom(`https://github.com/${owner}/bff`).isPublic).toBe(isPublic)
})
