// What publishes a version, and what GitHub reads of this repository.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { entryOf, faultsOf } from '../../scripts/check-release.mjs'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe('scripts/check-release.mjs', () => {
  const changelog = `# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- A thing.

## [1.2.2] - 2026-11-01

- Older.
`
  const right = {
    tag: 'v1.2.3',
    repository: 'Acme/bff',
    manifest: { version: '1.2.3', repository: { url: 'git+https://github.com/acme/bff.git' } },
    lock: { version: '1.2.3' },
    changelog,
  }

  test('lets a version pass that everything says, and has its notes', () => {
    expect(faultsOf(right)).toEqual([])
    expect(entryOf(changelog, '1.2.3')).toBe('### Added\n\n- A thing.')
  })

  test.each<[string, Partial<typeof right>, RegExp]>([
    ['another tag', { tag: 'v1.2.4' }, /^the tag is 'v1\.2\.4', and package\.json says 'v1\.2\.3'/],
    ['a tag without v', { tag: '1.2.3' }, /^the tag is '1\.2\.3'/],
    ['an old lockfile', { lock: { version: '1.2.2' } }, /^package-lock\.json says 1\.2\.2/],
    ['no entry', { changelog: changelog.replace('1.2.3', '1.2.30') }, /^CHANGELOG\.md has no entry/],
    ['no date', { changelog: changelog.replace(' - 2026-12-01', '') }, /^CHANGELOG\.md has no entry/],
    [
      'an empty entry',
      { changelog: changelog.replace(/### Added\n\n- A thing\.\n/, '') },
      /^CHANGELOG\.md has no entry/,
    ],
    [
      'something unreleased',
      { changelog: changelog.replace('[Unreleased]\n', '[Unreleased]\n\n### Fixed\n\n- Another.\n') },
      /^CHANGELOG\.md still has something under/,
    ],
    [
      'another repository',
      { repository: 'other/bff' },
      /npm run address -- https:\/\/github\.com\/other\/bff$/,
    ],
    [
      'no public address',
      {
        repository: 'owner.invalid/bff',
        manifest: { version: '1.2.3', repository: { url: 'git+https://github.com/owner.invalid/bff.git' } },
      },
      /^package\.json's repository is owner\.invalid\/bff/,
    ],
  ])('stops at %s', (_what, wrong, said) => {
    expect(faultsOf({ ...right, ...wrong })).toEqual([expect.stringMatching(said)])
  })
})

interface Step {
  uses?: string
  run?: string
}
interface Job {
  uses?: string
  permissions?: Record<string, string>
  'timeout-minutes'?: number
  steps?: Step[]
}
interface Workflow {
  on: Record<string, unknown>
  permissions: Record<string, string>
  jobs: Record<string, Job>
}

const FOLDER = '.github/workflows'
const workflows = readdirSync(join(root, FOLDER)).map((file) => ({
  file,
  workflow: parse(read(`${FOLDER}/${file}`), { uniqueKeys: true }) as Workflow,
}))

describe.each(workflows)('$file', ({ workflow }) => {
  const jobs = Object.values(workflow.jobs)
  const steps = jobs.flatMap((job) => job.steps ?? [])

  test('gives nobody more than has to be: it writes only where a job says what', () => {
    expect(Object.values(workflow.permissions).filter((one) => one !== 'read')).toEqual([])
    for (const { uses, 'timeout-minutes': minutes } of jobs)
      if (!uses) expect(minutes).toEqual(expect.any(Number))
  })

  test('runs GitHub’s own actions and workflows of ours, which are there', () => {
    for (const { uses } of [...jobs, ...steps]) {
      if (uses?.startsWith('./')) expect(parse(read(uses)).on).toHaveProperty('workflow_call')
      else if (uses) expect(uses).toMatch(/^actions\/[\w-]+@v\d+$/)
    }
  })

  test('runs scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const commands = steps.map(({ run = '' }) => run).join('\n')
    for (const [, name = ''] of commands.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name])
    for (const [, file = ''] of commands.matchAll(/node (scripts\/[\w.-]+)/g))
      expect([file, existsSync(join(root, file))]).toEqual([file, true])
  })
})

test('a version is published after the tests have passed on its tag, by a job that may do nothing else', () => {
  const release = workflows.find(({ file }) => file === 'release.yml')?.workflow
  const { npm } = release?.jobs ?? {}
  expect(release?.on).toEqual({ push: { tags: ['v*'] } })
  expect(npm).toMatchObject({ needs: 'ci', permissions: { contents: 'read', 'id-token': 'write' } })
  const commands = npm?.steps?.map(({ run }) => run ?? '') ?? []
  expect(commands.findIndex((run) => run.includes('check-release'))).toBeLessThan(
    commands.findIndex((run) => run.includes('npm publish --provenance --access public')),
  )
})

const FORMS = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter((file) => file !== 'config.yml')

test.each(FORMS)('%s is a form that GitHub takes', (file) => {
  const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${file}`))
  expect([name, description]).toEqual([expect.any(String), expect.any(String)])
  const ids = body.flatMap(({ id }: { id?: string }) => id ?? [])
  expect(ids).toEqual([...new Set(ids)])
  for (const { type, attributes } of body) {
    expect(type).toMatch(/^(?:markdown|textarea|input|dropdown|checkboxes)$/)
    expect(attributes).toHaveProperty(type === 'markdown' ? 'value' : 'label')
    for (const [, path = ''] of `${attributes.value}`.matchAll(/\]\(\.\.\/blob\/HEAD\/([^)]+)\)/g))
      expect([path, existsSync(join(root, path))]).toEqual([path, true])
  }
})

test('who reports that something does not work is asked what the doctor says, and led to the private way for a hole', () => {
  const { body } = parse(read('.github/ISSUE_TEMPLATE/bug.yml'))
  expect(body).toContainEqual(expect.objectContaining({ id: 'doctor', validations: { required: true } }))
  expect(body[0].attributes.value).toContain('](../security/policy)')
  expect(parse(read('.github/ISSUE_TEMPLATE/config.yml'))).toEqual({ blank_issues_enabled: false })
})

test('Dependabot looks after every lockfile, and the workflows', () => {
  const { updates } = parse(read('.github/dependabot.yml'))
  expect(updates.map((one: Record<string, unknown>) => one['package-ecosystem'])).toEqual([
    'npm',
    'github-actions',
  ])
  for (const folder of updates[0].directories)
    expect(existsSync(join(root, folder, 'package-lock.json'))).toBe(true)
})
