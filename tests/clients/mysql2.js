// One conversation with MySQL by mysql2: work as JSON on stdin, outcomes on stdout.
'use strict';

const fs = require('node:fs');
const mysql = require('mysql2');

const work = JSON.parse(fs.readFileSync(0, 'utf8'));

function plain(value) {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'object') return JSON.stringify(value);
  return value;
}

function given(value) {
  return value !== null && typeof value === 'object'
    ? Buffer.from(value.bytes, 'hex')
    : value;
}

function refusal(problem) {
  return {
    number: problem.errno || 0,
    sqlstate: problem.sqlState || '',
    text: problem.sqlMessage || problem.message,
  };
}

function column(field) {
  return [field.name, field.columnType, field.flags, field.characterSet,
    field.columnLength, field.decimals, field.table, field.orgTable, field.schema];
}

function run(connection, statement) {
  return new Promise((resolve) => {
    const parts = [];
    const options = { sql: statement.sql, rowsAsArray: true };
    const command = statement.parameters === null
      ? connection.query(options)
      : connection.execute({ ...options, values: statement.parameters.map(given) });
    let rows = null;
    command.on('fields', (fields) => {
      if (!fields) return;
      rows = [];
      parts.push({ columns: fields.map(column), rows });
    });
    command.on('result', (row) => {
      if (Array.isArray(row)) {
        rows.push(row.map(plain));
      } else {
        parts.push({ report: [row.affectedRows, String(row.insertId),
          row.warningStatus, row.serverStatus ?? null, row.info] });
      }
    });
    command.on('error', (problem) => {
      parts.push(refusal(problem));
      resolve(parts);
    });
    command.on('end', () => resolve(parts));
  });
}

async function talk() {
  const connection = mysql.createConnection({
    ...work.login,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    infileStreamFactory: (path) => fs.createReadStream(path),
  });
  connection.on('error', () => {});
  const refused = await new Promise((resolve) => {
    connection.once('connect', () => resolve(null));
    connection.connect((problem) => resolve(problem));
  });
  if (refused) return { refused: refusal(refused) };
  const outcomes = [];
  for (const statement of work.statements) {
    outcomes.push(await run(connection, statement));
  }
  connection.destroy();
  return { outcomes };
}

talk().then((said) => fs.writeSync(1, JSON.stringify(said)) && process.exit(0));
