// npm run bench: how fast this package is beside its peers; `-- --help` says how to ask.
import { parseArgs } from 'node:util'
import { holdsBaseline, readBaseline, writeBaseline } from './baseline.ts'
import { createCleanUp } from './clean-up.ts'
import { type Competitor, enter } from './competitor.ts'
import { BARE, CONTESTANTS } from './contestants.ts'
import { printGoals } from './goals.ts'
import { describeMachine, showLoad, showMachine } from './machine.ts'
import { comparePairs } from './pairs.ts'
import { playRounds } from './rounds.ts'
import { measureScale, PARTS } from './scale/scale.ts'
import { type Stage, setStage } from './stage.ts'
import { printTable } from './table.ts'
import { CONNECTIONS } from './wrk.ts'

const HELP = `npm run bench --             everybody, seven rounds of two seconds
  --quick                  two rounds of one second
  --only ours,eoc-redis    these and bare Express: ${CONTESTANTS.map(({ name }) => name).join(', ')}
  --rounds 7 --seconds 2
  --pairs ours-metrics,ours          two of them in turn, 20 times a second each
  --check                  fails where ours is below 85 % of bench/baseline.json
  --write-baseline         writes it
npm run bench -- --scale [${PARTS.join(' ')}]     as the work grows
  --sessions 1000000 --near-cache
BENCH_NODE_ARGS="--cpu-prof"     goes to node, for each server`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    pairs: { type: 'string' },
    check: { type: 'boolean', default: false },
    'write-baseline': { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    sessions: { type: 'string', default: '1000000' },
    'near-cache': { type: 'boolean', default: false },
  },
})

async function everybody(stage: Stage): Promise<Competitor[]> {
  const wanted = values.only?.split(',')
  const unknown = wanted?.find((name) => !CONTESTANTS.some((each) => each.name === name))
  if (unknown !== undefined) throw new Error(`nobody is called ${unknown}: see  npm run bench -- --help`)
  const entered: Competitor[] = []
  for (const each of CONTESTANTS) {
    const isWanted = wanted === undefined ? !each.onlyNamed : wanted.includes(each.name)
    if (!isWanted && each.name !== BARE) continue
    entered.push(await enter(stage, each))
  }
  return entered
}

async function compare(stage: Stage): Promise<void> {
  const baseline = values.check ? await readBaseline() : undefined
  if (values.check && baseline === undefined) {
    console.error('There is no bench/baseline.json yet. Type:  npm run bench -- --write-baseline')
    process.exitCode = 1
    return
  }
  const load = showLoad()
  const usual = values.quick
    ? { rounds: 2, seconds: 1, warmUpSeconds: 0 }
    : { rounds: 7, seconds: 2, warmUpSeconds: 1 }
  const plan = {
    ...usual,
    rounds: Number(values.rounds ?? usual.rounds),
    seconds: Number(values.seconds ?? usual.seconds),
  }
  const results = await playRounds(stage, await everybody(stage), plan)
  const machine = await describeMachine(stage.connect())
  console.log(
    `${showMachine(machine)}; medians of ${plan.rounds} rounds of ${plan.seconds} s, ${CONNECTIONS} connections, ${load}\n`,
  )
  printTable(results)
  console.log()
  printGoals(results)
  if (values['write-baseline']) await writeBaseline(machine, results)
  if (baseline !== undefined && !holdsBaseline(baseline, results)) process.exitCode = 1
}

const cleanUp = createCleanUp()
try {
  if (values.help) console.log(HELP)
  else if (values.scale) {
    const plan = { sessions: Number(values.sessions), nearCache: values['near-cache'] }
    if (!(await measureScale(cleanUp, positionals, plan))) process.exitCode = 1
  } else if (values.pairs !== undefined) {
    const plan = { pairs: Number(values.rounds ?? 20), seconds: Number(values.seconds ?? 1) }
    await comparePairs(await setStage(cleanUp), values.pairs.split(','), plan)
  } else await compare(await setStage(cleanUp))
} finally {
  await cleanUp.now()
}
