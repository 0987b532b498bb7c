import { describeBlobStore } from './blob-store.conformance.ts';
import { createMemoryBlobStore } from './memory-blob-store.ts';

describeBlobStore('the memory store', async (quotaBytes) => createMemoryBlobStore({ quotaBytes }));
