import { describeSeeds } from './describe-seeds.ts';

// The first ones of first-seeds.long.test.ts.
describeSeeds(1, 60);
