"""Reading questionnaires that were answered elsewhere: CSV with a column mapping, FHIR R4
QuestionnaireResponse.

``mappings``, ``csv_rows``, ``fhir_rows``, ``json_stream``, ``rows`` and ``tally`` are pure: bytes in, rows
or refusals out, in bounded memory. ``services`` puts the rows where they belong.
"""
