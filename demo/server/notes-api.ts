import { type Answer, problem, type Queryable, type Routes } from 'holdfast/server'
import * as v from 'valibot'

const MAX_CHARACTERS = 280

/** `position` is the order in which the server applied the notes. */
export const NOTES_TABLE = `
  create table if not exists notes (
    position bigint generated always as identity primary key,
    id text not null unique,
    text text not null,
    written_at timestamptz not null
  )`

interface NoteRow {
  id: string
  text: string
  writtenAt: Date
}

const COLUMNS = 'id, text, written_at as "writtenAt"'

// PostgreSQL keeps any text but the character NUL.
const noteSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.excludes('\0')),
  text: v.pipe(v.string(), v.excludes('\0')),
  writtenAt: v.pipe(v.string(), v.isoTimestamp()),
})

export function notesApi(routes: Routes): void {
  routes.read('GET', '/api/health', async ({ db }) => {
    await db.query('select 1')
    return { status: 200, json: { ok: true } }
  })
  routes.read('GET', '/api/notes', async ({ db }) => ({
    status: 200,
    json: await db.query<NoteRow>(`select ${COLUMNS} from notes order by position`),
  }))
  routes.write('POST', '/api/notes', ({ json, tx }) => addNote(json(), tx))
  // What is gone is what was asked for: deleting it again is no mistake.
  routes.write('DELETE', '/api/notes/:id', async ({ params, tx }) => {
    await tx.query('delete from notes where id = $1', [params.id?.replaceAll('\0', '')])
    return { status: 204 }
  })
}

async function addNote(input: unknown, tx: Queryable): Promise<Answer> {
  const read = v.safeParse(noteSchema, input)
  if (!read.success) return notANote(read.issues[0])
  const { id, text, writtenAt } = read.output
  const refusal = refusalOf(text)
  if (refusal) return refusal
  const [added] = await tx.query<NoteRow>(
    `insert into notes (id, text, written_at) values ($1, $2, $3) on conflict (id) do nothing returning ${COLUMNS}`,
    [id, text, writtenAt],
  )
  return added ? { status: 201, json: added } : await answerForTaken(id, text, tx)
}

async function answerForTaken(id: string, text: string, tx: Queryable): Promise<Answer> {
  const [existing] = await tx.query<NoteRow>(`select ${COLUMNS} from notes where id = $1`, [id])
  if (existing?.text === text) return { status: 200, json: existing }
  return problem(409, { title: 'Another note has this id', detail: 'Save your text as a new note.' })
}

function refusalOf(text: string): Answer | undefined {
  const length = [...text].length
  if (text.trim() === '') return problem(422, { title: 'This note is empty', detail: 'Write something, then save it.' })
  if (length <= MAX_CHARACTERS) return undefined
  const detail = `It has ${length} characters, and ${MAX_CHARACTERS} fit. Shorten it and save it again.`
  return problem(422, { title: 'This note is too long', detail })
}

function notANote(issue: v.BaseIssue<unknown>): Answer {
  const where = v.getDotPath(issue)
  const detail = where ? `${where}: ${issue.message}` : issue.message
  return problem(422, { title: 'This is not a note', detail })
}
