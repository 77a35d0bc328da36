import { defineRelations } from 'drizzle-orm';
import { boolean, integer, pgEnum, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { ClientSchema } from '../../../client/core/schema.js';
import { readManifest } from '../../../client/core/schema.js';
import type { Manifest } from '../../../shared/manifest/types.js';
import { enumNames } from '../../../src/graphql/schema/enum-names.js';
import { isId } from '../../../src/graphql/schema/type-registry.js';
import { makeManifest } from '../../../src/manifest/make.js';
import { readModel } from '../../../src/model/read.js';

/** A schema with every kind of relation; the columns are only there to be looked at. */
const mood = pgEnum('mood', ['in doubt', 'glad']);

const persons = pgTable('persons', {
  id: integer('id').primaryKey(),
  name: text('name'),
  bossId: integer('boss_id'),
});
const profiles = pgTable('profiles', {
  id: integer('id').primaryKey(),
  personId: integer('person_id').unique(),
  bio: text('bio'),
});
const posts = pgTable('posts', {
  id: integer('id').primaryKey(),
  authorId: integer('author_id'),
  reviewerId: integer('reviewer_id'),
  name: text('name'),
  rank: integer('rank'),
  mood: mood('mood'),
  pinned: boolean('pinned'),
  writtenAt: timestamp('written_at', { withTimezone: true }),
});
const comments = pgTable('comments', {
  id: integer('id').primaryKey(),
  postId: integer('post_id'),
  body: text('body'),
});
const tags = pgTable('tags', {
  id: integer('id').primaryKey(),
  postId: integer('post_id'),
  name: text('name'),
});
const labels = pgTable('labels', { id: integer('id').primaryKey(), name: text('name') });
const postLabels = pgTable(
  'post_labels',
  { postId: integer('post_id').notNull(), labelId: integer('label_id').notNull() },
  (table) => [primaryKey({ columns: [table.postId, table.labelId] })],
);
const follows = pgTable('follows', {
  id: integer('id').primaryKey(),
  fromId: integer('from_id'),
  toId: integer('to_id'),
});

export const relations = defineRelations(
  { persons, profiles, posts, comments, tags, labels, postLabels, follows },
  (r) => ({
    persons: {
      posts: r.many.posts({ from: r.persons.id, to: r.posts.authorId }),
      reviews: r.many.posts({ from: r.persons.id, to: r.posts.reviewerId }),
      testPosts: r.many.posts({ from: r.persons.id, to: r.posts.authorId, where: { name: 'test' } }),
      otherPosts: r.many.posts({
        from: r.persons.id,
        to: r.posts.authorId,
        where: { NOT: { name: { in: ['test', 'draft'] } } },
      }),
      namelessPosts: r.many.posts({
        from: r.persons.id,
        to: r.posts.authorId,
        where: { name: { isNull: true } },
      }),
      loudPosts: r.many.posts({
        from: r.persons.id,
        to: r.posts.authorId,
        where: { name: { ilike: '%loud%' } },
      }),
      namedPosts: r.many.posts({ from: r.persons.name, to: r.posts.name }),
      profile: r.one.profiles({ from: r.persons.id, to: r.profiles.personId }),
      boss: r.one.persons({ from: r.persons.bossId, to: r.persons.id }),
      reports: r.many.persons({ from: r.persons.id, to: r.persons.bossId }),
      allTags: r.many.tags({
        from: r.persons.id.through(r.posts.authorId),
        to: r.tags.postId.through(r.posts.id),
      }),
      following: r.many.persons({
        from: r.persons.id.through(r.follows.fromId),
        to: r.persons.id.through(r.follows.toId),
      }),
    },
    profiles: { person: r.one.persons({ from: r.profiles.personId, to: r.persons.id }) },
    posts: {
      author: r.one.persons({ from: r.posts.authorId, to: r.persons.id }),
      reviewer: r.one.persons({ from: r.posts.reviewerId, to: r.persons.id }),
      comments: r.many.comments({ from: r.posts.id, to: r.comments.postId }),
      tags: r.many.tags({ from: r.posts.id, to: r.tags.postId }),
      labels: r.many.labels({
        from: r.posts.id.through(r.postLabels.postId),
        to: r.labels.id.through(r.postLabels.labelId),
      }),
      goodLabels: r.many.labels({
        from: r.posts.id.through(r.postLabels.postId),
        to: r.labels.id.through(r.postLabels.labelId),
        where: { name: 'good' },
      }),
    },
    comments: { post: r.one.posts({ from: r.comments.postId, to: r.posts.id }) },
    tags: { post: r.one.posts({ from: r.tags.postId, to: r.posts.id }) },
    labels: {
      posts: r.many.posts({
        from: r.labels.id.through(r.postLabels.labelId),
        to: r.posts.id.through(r.postLabels.postId),
      }),
    },
  }),
);

export const model = readModel(relations);

export const manifest: Manifest = makeManifest(model, () => true, {
  limits: { defaultRows: 100, maxRows: 1000, maxDepth: 12 },
  enumNames,
  isId,
});

export const schema: ClientSchema = readManifest(manifest);
