"""The language: types, inputs, result unions, roots, loaders and limits of the two GraphQL endpoints."""
