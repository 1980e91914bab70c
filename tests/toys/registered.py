"""The two lines. As a pytest plugin (-p tests.toys.registered) it is loaded before anything asks the catalogue."""

from __future__ import annotations

from distill_core.catalogue import STUDENTS, TASKS, Entry

STUDENTS["bag"] = Entry("Bag of pieces", "The mean of its pieces' embeddings.", "tests.toys.bag:BagStudent")
TASKS["topics"] = Entry("Topics", "What a text is about.", "tests.toys.topics:Topics")
