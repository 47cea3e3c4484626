import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DeadLetterFile, type FiledLetter, parseFile } from './dead-letter-file.ts'
import { createDevice, type Device } from './dead-letters.fixture.ts'

let device: Device

beforeEach(async () => {
  device = await createDevice()
})
afterEach(() => device.close())

const LETTER: FiledLetter = {
  id: 'a',
  url: 'https://app.example/a',
  method: 'POST',
  headers: [['content-type', 'application/json']],
  body: { kind: 'json', text: '{"n":1}' },
  priority: 0,
  createdAt: '2026-11-21T12:00:00.000Z',
  attempts: 1,
  retry: { attempts: 8, baseMs: 1_000, capMs: 60_000, maxAgeMs: null },
  reason: 'refused',
  diedAt: '2026-11-21T12:00:00.000Z',
}

const fileOf = (...letters: unknown[]) =>
  JSON.stringify({ holdfast: 'dead-letters', version: 1, exportedAt: LETTER.createdAt, letters })

describe('the file', () => {
  it('is JSON of a documented form, with nothing in it about who made it', async () => {
    await device.identify('ada')
    await device.recordDead('a', { json: { n: 1 }, entity: 'note:1', meta: { at: new Date(0) }, onUncertain: 'hold' })
    await device.recordDead('b', { url: 'https://api.example/b', method: 'DELETE', credentials: 'omit' })
    await device.deadLetters.retry('b', { body: new Uint8Array([255]), expiresAt: new Date(device.now + 1) })
    await device.attempt()
    device.now += 1_001
    const file = await device.deadLetters.export()
    expect(file.type).toBe('application/json')
    const text = await file.text()
    expect(text).not.toContain('ada')
    expect(text.split('\n')).toHaveLength(4)
    expect(JSON.parse(text)).toEqual({
      holdfast: 'dead-letters',
      version: 1,
      exportedAt: '2026-11-21T12:00:01.001Z',
      letters: [
        {
          ...LETTER,
          entity: 'note:1',
          onUncertain: 'hold',
          meta: { at: { $type: 'date', value: 0 } },
          retry: { attempts: 8, baseMs: 1_000, capMs: 60_000, maxAgeMs: 30 * 24 * 60 * 60 * 1000 },
          lastError: { code: 'status', status: 422, message: 'Too long' },
          status: 422,
          problem: { type: 'about:blank', title: 'Too long' },
        },
      ],
    } satisfies DeadLetterFile)
  })

  it('is one of no letters where there are none', async () => {
    expect(await parseFile(await device.deadLetters.export())).toEqual([])
    expect(await device.deadLetters.import(await device.deadLetters.export())).toEqual({ imported: 0, skipped: 0 })
    expect(device.heard).toEqual([])
  })

  it('is read as it is written', async () => {
    expect(await parseFile(fileOf(LETTER))).toEqual([LETTER])
    expect(await parseFile(new Blob([fileOf(LETTER)]))).toEqual([LETTER])
  })
})

describe('another file is refused, and nothing is imported', () => {
  it.each([
    ['no file', 7, 'what it got is no file. Pass the File or Blob, or its text.'],
    ['no JSON', '{', 'it is not JSON. Choose a file that export() has made, and that was copied whole.'],
    ['another JSON', '[]', 'it is no file of dead letters. Choose a file that export() has made.'],
    [
      'a later version',
      fileOf().replace('"version":1', '"version":2'),
      'its version is 2, and this app reads 1. Reload the app, so that it is the newest one, and try again.',
    ],
    ['a frame with more in it', fileOf().replace('{', '{"more":1,'), 'it has an unknown member "more"'],
    ['a frame without letters', fileOf().replace('[]', '{}'), 'its letters is not a list'],
    ['no letter', fileOf(LETTER, null), 'letters[1]: it is not an object'],
    ['one id twice', fileOf(LETTER, LETTER), 'letters[1]: its id is there twice'],
    [
      'a word that is not known',
      fileOf({ ...LETTER, dependsOn: [] }),
      'letters[0]: it has an unknown member "dependsOn"',
    ],
    ['a letter without id', fileOf({ ...LETTER, id: undefined }), 'letters[0]: it has no id'],
    ['an id that is no key', fileOf({ ...LETTER, id: 'ä' }), 'letters[0]: its id is not an id'],
    ['a relative address', fileOf({ ...LETTER, url: '/a' }), 'letters[0]: its url is not an absolute address'],
    ['another scheme', fileOf({ ...LETTER, url: 'file:///a' }), 'letters[0]: its url has the scheme file:'],
    ['a read', fileOf({ ...LETTER, method: 'GET' }), 'letters[0]: its method is not POST or PUT or PATCH or DELETE'],
    ['a secret', fileOf({ ...LETTER, headers: [['Cookie', 'x']] }), 'letters[0]: its headers hold "cookie"'],
    [
      'half a header',
      fileOf({ ...LETTER, headers: [['x']] }),
      'letters[0]: its headers is not a list of names and values',
    ],
    ['a body of no kind', fileOf({ ...LETTER, body: { kind: 'x', text: '' } }), 'letters[0]: its body is not a body'],
    [
      'a body of no JSON',
      fileOf({ ...LETTER, body: { kind: 'json', text: '{' } }),
      'letters[0]: its body is not a body',
    ],
    ['a body of no bytes', fileOf({ ...LETTER, body: { kind: 'bytes', base64: '!' } }), 'letters[0]: its body is not'],
    [
      'a reference that is none',
      fileOf({ ...LETTER, body: { kind: 'json', text: '{"$ref":["a"]}' } }),
      'letters[0]: "{"$ref":["a"]}" is not a reference',
    ],
    ['no time', fileOf({ ...LETTER, diedAt: '2026-11-21' }), 'letters[0]: its diedAt is not a time such as'],
    [
      'a date that is none',
      fileOf({ ...LETTER, expiresAt: 'never' }),
      'letters[0]: its expiresAt is not a time such as',
    ],
    ['half an attempt', fileOf({ ...LETTER, attempts: 0.5 }), 'letters[0]: its attempts is not a whole number from 0'],
    ['no policy', fileOf({ ...LETTER, retry: {} }), 'letters[0]: its retry is not an object with attempts, baseMs'],
    [
      'no attempts left',
      fileOf({ ...LETTER, retry: { ...LETTER.retry, attempts: 0 } }),
      'letters[0]: its attempts are 0',
    ],
    [
      'a reason of its own',
      fileOf({ ...LETTER, reason: 'bored' }),
      'letters[0]: its reason is not refused or conflict or',
    ],
    ['an entity without a name', fileOf({ ...LETTER, entity: '' }), 'letters[0]: its entity is not a name'],
    ['a priority out of range', fileOf({ ...LETTER, priority: 10_001 }), 'letters[0]: its priority is 10001'],
    [
      'meta of an unknown type',
      fileOf({ ...LETTER, meta: { a: { $type: 'x' } } }),
      'letters[0]: its meta has something of the type "x" that cannot be read',
    ],
    [
      'another prototype',
      fileOf(LETTER).replace('"id"', '"__proto__":{},"id"'),
      'letters[0]: it has an unknown member "__proto__"',
    ],
  ])('%s', async (_what, file, text) => {
    await expect(device.deadLetters.import(file as string)).rejects.toMatchObject({
      name: 'HoldfastError',
      code: 'invalid-import',
      message: expect.stringContaining(`Failed to import the dead letters: ${text}`),
    })
    expect(await device.deadLetters.list()).toEqual([])
  })

  it('also where only its last letter is wrong', async () => {
    const wrong = { ...LETTER, id: 'b', headers: [['authorization', 'x']] }
    await expect(device.deadLetters.import(fileOf(LETTER, wrong))).rejects.toMatchObject({
      code: 'invalid-import',
      message:
        'Failed to import the dead letters: letters[1]: its headers hold "authorization", and what is recorded stays on the device for days. Nothing was imported. Use the file as export() has made it.',
    })
    expect(await device.deadLetters.list()).toEqual([])
    expect(await device.tally()).toMatchObject({ dead: 0 })
  })
})
