"""What a reader is told of the providers: documents for programs, pages for people. All of it made from schemes and models."""
