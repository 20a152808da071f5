import { describeSeeds } from './describe-seeds.ts';

describeSeeds(100_001, 900);
